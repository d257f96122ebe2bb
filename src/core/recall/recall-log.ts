import { truncate } from "../../lib/text.ts";
import { allStemsOf } from "../../lib/words.ts";
import { markStems } from "../knowledge/chunk-words.ts";
import type { Ctx } from "../context.ts";
import { RecallClaimLost, type ClaimedThread } from "./recall-queue.ts";
import { threadToken } from "../search.ts";

/** What is kept of a message; what is beyond is found by its words, and not shown. */
const MOST_KEPT = 2000;
const MOST_FOUND_BY = 20_000;

/** A message that is to be remembered. */
export type Memorable = { messageId: string; seq: number; author: string; text: string; createdAt: number };
/** The same as it is kept; `space`: where its vector lies, null: it has none. */
export type KeptMessage = { id: number; messageId: string; seq: number; text: string; space: number | null };

export const personScope = (personId: string) => `r${personId.replaceAll("-", "").toLowerCase()}`;

/** Which index holds the vectors of a thread's messages: its person's, so that all of his conversations are searched at once. */
export const recallPlace = (threadId: string, personId: string | null) =>
  personId === null ? `recall/thread/${threadId}` : `recall/person/${personId}`;

/** What is kept of a thread, after one message and up to another. */
export async function keptBetween(ctx: Ctx, threadId: string, after: number, upTo: number): Promise<KeptMessage[]> {
  const { results } = await ctx.db.$client
    .prepare(
      `select id, message_id as messageId, seq, text, space from recalled_messages
       where project_id = ? and thread_id = ? and seq > ? and seq <= ?`,
    )
    .bind(ctx.project.id, threadId, after, upTo)
    .all<KeptMessage>();
  return results;
}

export const keptText = (text: string) => truncate(text, MOST_KEPT);

/** Nobody else works on the thread. */
const IS_CLAIMED = "exists (select 1 from recalled_threads where project_id = ? and thread_id = ? and claim = ?)";

/** Keeps messages under a claim: where that is lost, nothing is written, and the work is void. */
export async function keepMessages(ctx: Ctx, thread: ClaimedThread, messages: Memorable[]): Promise<KeptMessage[]> {
  if (messages.length === 0) return [];
  const [d1, { threadId, personId, claim }] = [ctx.db.$client, thread];
  const rows = messages.map((message) => ({ ...message, text: keptText(message.text) }));
  const terms = messages.map(({ seq, text }) => ({
    seq,
    terms: markStems(ctx.project.id, allStemsOf(text.slice(0, MOST_FOUND_BY))).join(" "),
  }));
  const scope = personId === null ? threadToken(threadId) : `${threadToken(threadId)} ${personScope(personId)}`;
  const claimed = [ctx.project.id, threadId, claim];
  const [written, , kept] = await d1.batch<KeptMessage>([
    d1
      .prepare(
        `insert into recalled_messages (project_id, thread_id, person_id, message_id, seq, author, text, created_at)
         select ?, ?, ?, value ->> 'messageId', value ->> 'seq', value ->> 'author', value ->> 'text', value ->> 'createdAt'
         from json_each(?) where ${IS_CLAIMED}`,
      )
      .bind(ctx.project.id, threadId, personId, JSON.stringify(rows), ...claimed),
    d1
      .prepare(
        `insert into recalled_search (rowid, scope, terms)
         select m.id, ?, row.value ->> 'terms' from json_each(?) row cross join recalled_messages m
         on m.project_id = ? and m.thread_id = ? and m.seq = row.value ->> 'seq' where ${IS_CLAIMED}`,
      )
      .bind(scope, JSON.stringify(terms), ctx.project.id, threadId, ...claimed),
    d1
      .prepare(
        `select id, message_id as messageId, seq, text, space from recalled_messages
         where project_id = ? and thread_id = ? and seq in (select value from json_each(?))`,
      )
      .bind(ctx.project.id, threadId, JSON.stringify(rows.map(({ seq }) => seq))),
  ]);
  if (written!.meta.changes === 0) throw new RecallClaimLost();
  return kept!.results;
}

/** Notes where vectors lie now. Answers those of them whose messages are forgotten meanwhile. */
export async function noteVectors(ctx: Ctx, ids: number[], space: number): Promise<number[]> {
  const { results } = await ctx.db.$client
    .prepare(
      `update recalled_messages set space = ? where project_id = ? and id in (select value from json_each(?)) returning id`,
    )
    .bind(space, ctx.project.id, JSON.stringify(ids))
    .all<{ id: number }>();
  const known = new Set(results.map(({ id }) => id));
  return ids.filter((id) => !known.has(id));
}

type Forgotten = { id: number; personId: string | null; space: number | null };

/** Forgets some messages of a thread: their vectors first, for only their rows know that there are any. */
export async function forgetKept(ctx: Ctx, threadId: string, kept: Forgotten[]): Promise<void> {
  if (kept.length === 0) return;
  const places = Map.groupBy(kept, ({ personId, space }) => JSON.stringify([personId, space]));
  for (const [, found] of places) {
    const { personId, space } = found[0]!;
    if (space === null) continue;
    const index = ctx.vectors({ storeId: recallPlace(threadId, personId), space, dimensions: null, own: true });
    await index.delete(found.map(({ id }) => id));
  }
  const [d1, ids] = [ctx.db.$client, JSON.stringify(kept.map(({ id }) => id))];
  await d1.batch([
    d1.prepare("delete from recalled_search where rowid in (select value from json_each(?))").bind(ids),
    d1
      .prepare("delete from recalled_messages where project_id = ? and id in (select value from json_each(?))")
      .bind(ctx.project.id, ids),
  ]);
}

const FORGOTTEN_AT_ONCE = 500;

/** Forgets what is kept of a thread, but not that there is more to remember. */
export async function forgetMessages(ctx: Ctx, threadId: string): Promise<void> {
  for (;;) {
    const { results } = await someKept(ctx, threadId).all<Forgotten>();
    await forgetKept(ctx, threadId, results);
    if (results.length < FORGOTTEN_AT_ONCE) return;
  }
}

const someKept = (ctx: Ctx, threadId: string) =>
  ctx.db.$client
    .prepare(
      `select id, person_id as personId, space from recalled_messages where project_id = ? and thread_id = ?
       limit ${FORGOTTEN_AT_ONCE}`,
    )
    .bind(ctx.project.id, threadId);

/** For a thread that is deleted. Who works on it has lost his claim by then, and writes no more. */
export async function forgetThread(ctx: Ctx, threadId: string): Promise<void> {
  const [, kept] = await ctx.db.$client.batch<Forgotten>([
    ctx.db.$client
      .prepare("delete from recalled_threads where project_id = ? and thread_id = ?")
      .bind(ctx.project.id, threadId),
    someKept(ctx, threadId),
  ]);
  if (kept!.results.length > 0) await forgetMessages(ctx, threadId);
}
