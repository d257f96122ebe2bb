import type { Ctx } from "./context.ts";
import { deleteFiles } from "./files.ts";
import { forgetThread } from "./recall/recall-log.ts";
import { eraseSchedules } from "./schedules/schedule-projection.ts";
import { searchable, searchScope, threadRows } from "./search.ts";
import type { ThreadState } from "./thread-state.ts";
import type { WebhookEvent } from "./webhooks/webhook-events.ts";
import { ringTold, webhookStatements, type Told } from "./webhooks/webhooks.ts";

/** What changed in a thread since its last projection. */
export type ThreadProjection = {
  state: ThreadState;
  /** Grows with every change; an older or equal one is ignored, so that a projection may be repeated. */
  version: number;
  /** What was said since, for search, in pieces that a row can hold. */
  texts: string[];
  /** Something was taken back: the texts are all that is left, and what was there before is found no more. */
  isRewritten: boolean;
  /** When messages were said. */
  said: SaidAt[];
  /** What those outside are to be told of. */
  webhooks: WebhookEvent[];
};

/** The hour of one message, and the change that it came with: of what is told again, only what is new is counted. */
type SaidAt = { version: number; hour: number };

/**
 * Brings the lists and the search up to date with a thread, in one batch with what else is to be written, whose results
 * are answered. The statements are written by hand: this runs once in every turn.
 */
export async function projectThread(
  ctx: Ctx,
  { state, version, texts, isRewritten, said, webhooks }: ThreadProjection,
  more: D1PreparedStatement[],
): Promise<Listed & { others: D1Result[] }> {
  const statements = said.length > 0 ? [hoursStatement(ctx, state, said)] : [];
  if (isRewritten) statements.push(forgetStatement(ctx, state, version));
  for (const text of texts) statements.push(searchStatement(ctx, state, version, text));
  const inserts = webhookStatements(ctx, webhooks);
  const all = [...inserts, ...statements, threadStatement(ctx, state, version), ...more];
  const results = await ctx.db.$client.batch<Told>(all);
  const told = results.slice(0, inserts.length).flatMap((result) => result.results);
  if (told.length > 0) ringTold(ctx, told);
  return { hasListeners: told.length > 0, others: results.slice(all.length - more.length) };
}

const hoursStatement = (ctx: Ctx, state: ThreadState, said: SaidAt[]) =>
  ctx.db.$client
    .prepare(
      `insert into chat_hours (chat_id, hour, messages)
       select ?, value ->> 'hour', count(*) from json_each(?)
       where value ->> 'version' > coalesce((select version from threads where project_id = ? and id = ?), 0)
       group by value ->> 'hour'
       on conflict (chat_id, hour) do update set messages = messages + excluded.messages`,
    )
    .bind(state.chatId, JSON.stringify(said), ctx.project.id, state.id);

/** A text that is there twice is found once. */
const searchStatement = (ctx: Ctx, state: ThreadState, version: number, text: string) =>
  ctx.db.$client
    .prepare(
      `insert into message_search (scope, text, thread_id) select ?, ?, ?
       where not exists (select 1 from threads where project_id = ? and id = ? and version >= ?)`,
    )
    .bind(searchScope(ctx.project.id, state.id), searchable(text), state.id, ctx.project.id, state.id, version);

const forgetStatement = (ctx: Ctx, { id }: ThreadState, version: number) =>
  ctx.db.$client
    .prepare(
      `delete from message_search where rowid in (select rowid from message_search where message_search match ?)
       and not exists (select 1 from threads where project_id = ? and id = ? and version >= ?)`,
    )
    .bind(threadRows(ctx.project.id, id), ctx.project.id, id, version);

const threadStatement = (ctx: Ctx, state: ThreadState, version: number, returning = "") =>
  ctx.db.$client
    .prepare(
      `insert into threads
         (project_id, id, chat_id, bot_id, person_id, mode, title, pending_count, last_message_at, created_at, version)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       on conflict (project_id, id) do update set
         bot_id = excluded.bot_id, person_id = excluded.person_id, mode = excluded.mode, title = excluded.title,
         pending_count = excluded.pending_count, last_message_at = excluded.last_message_at, version = excluded.version
       where excluded.version > version ${returning}`,
    )
    .bind(
      ctx.project.id,
      state.id,
      state.chatId,
      state.botId,
      state.personId,
      state.mode,
      state.title,
      state.pendingCount,
      state.lastMessageAt,
      state.createdAt,
      version,
    );

/**
 * Lists a new thread, whose messages are still to be projected, at less than half of what a projection costs. One that is
 * listed stays as it is.
 */
export async function listThread(ctx: Ctx, state: ThreadState): Promise<Listed> {
  const listed = await threadStatement(ctx, state, 0, RETURNING_LISTENERS).first<{ has_listeners: number }>();
  return { hasListeners: listed?.has_listeners === 1 };
}

/** Whether the project has webhook endpoints, who shall not wait for the end of the answer. */
export type Listed = { hasListeners: boolean };

const RETURNING_LISTENERS = `returning exists
  (select 1 from webhook_endpoints e where e.project_id = threads.project_id and e.status = 'active') as has_listeners`;

/** Also what is still on its way to a vendor, and the files that came from there. */
export async function eraseProjection(ctx: Ctx, threadId: string, hasFiles: boolean): Promise<void> {
  const d1 = ctx.db.$client;
  await d1.batch([
    d1.prepare("delete from threads where project_id = ? and id = ?").bind(ctx.project.id, threadId),
    d1.prepare("delete from channel_sends where project_id = ? and thread_id = ?").bind(ctx.project.id, threadId),
    d1
      .prepare(
        `delete from message_search where rowid in
         (select rowid from message_search where message_search match ?)`,
      )
      .bind(threadRows(ctx.project.id, threadId)),
    d1.prepare("delete from webhook_deliveries where project_id = ? and thread_id = ?").bind(ctx.project.id, threadId),
    ...eraseSchedules(ctx, threadId),
  ]);
  await forgetThread(ctx, threadId);
  if (hasFiles) await deleteFiles(ctx, threadId);
}
