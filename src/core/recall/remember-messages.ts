import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { textOf, type Message } from "../messages.ts";
import { positionCursor } from "../pages.ts";
import type { ThreadMessage } from "../ports.ts";
import { fnv } from "../../lib/hash-embedding.ts";
import { truncate } from "../../lib/text.ts";
import {
  forgetKept,
  forgetMessages,
  forgetThread,
  keepMessages,
  keptBetween,
  keptText,
  noteVectors,
  recallPlace,
  type KeptMessage,
  type Memorable,
} from "./recall-log.ts";
import {
  advanceRecall,
  claimRecall,
  finishRecall,
  mayPostpone,
  postponeRecall,
  RecallClaimLost,
  type ClaimedThread,
} from "./recall-queue.ts";

const MESSAGES_AT_ONCE = 64;
const PAGES_PER_JOB = 10;
/** The last few that were remembered are looked at again: one of them may have been taken back, or gone on. */
const LOOKED_AT_AGAIN = 8;
/** No embedding model reads more of one text. */
const MOST_EMBEDDED = 8000;

/** A model's vectors are comparable with each other only, so each has a space of its own. */
export const recallSpace = (embeddingModel: string) => fnv(embeddingModel) >>> 1;

/** Remembers what was said in a thread since it was last remembered. Doubled, late and lost bells do no harm. */
export async function rememberMessages(ctx: Ctx, threadId: string): Promise<void> {
  const thread = await claimRecall(ctx, threadId);
  if (!thread) return;
  try {
    await remember(ctx, thread);
  } catch (error) {
    if (error instanceof RecallClaimLost) return;
    if (error instanceof DomainError && error.code === "not_found") return forgetThread(ctx, threadId);
    throw error;
  }
}

async function remember(ctx: Ctx, thread: ClaimedThread): Promise<void> {
  const { personId } = await ctx.thread(thread.threadId).get();
  let from = thread.doneSeq;
  if (personId !== thread.personId) {
    await forgetMessages(ctx, thread.threadId);
    [thread.personId, from] = [personId, 0];
  }
  for (let page = 0; page < PAGES_PER_JOB; page++) {
    const after = Math.max(0, from - (page === 0 ? LOOKED_AT_AGAIN : 0));
    const { said, isLast } = await readSaid(ctx, thread.threadId, after);
    const last = said.at(-1)?.seq ?? from;
    if (said.length > 0) await rememberPage(ctx, thread, { after, upTo: last }, said);
    await advanceRecall(ctx, thread, Math.max(from, last));
    if (isLast) return finishRecall(ctx, thread, false);
    from = last;
  }
  await finishRecall(ctx, thread, true);
}

/** Messages that are said for good; what comes after one that is not has to wait, and rings when it is. */
async function readSaid(ctx: Ctx, threadId: string, after: number) {
  const cursor = positionCursor({ at: after, id: "-" });
  const { items, next } = await ctx.thread(threadId).listMessages({ limit: MESSAGES_AT_ONCE, cursor });
  const open = items.findIndex(({ status }) => status === "pending" || status === "streaming");
  const said = open < 0 ? items : items.slice(0, open);
  return { said, isLast: open >= 0 || next === null };
}

const memorable = ({ id, seq, author, parts, createdAt }: ThreadMessage): Memorable => ({
  messageId: id,
  seq,
  author,
  text: textOf(parts).trim(),
  createdAt,
});

const wasSaid = ({ status }: Message) => status !== "failed";

type Range = { after: number; upTo: number };

/** What is kept of a range becomes what is said there. */
async function rememberPage(
  ctx: Ctx,
  thread: ClaimedThread,
  { after, upTo }: Range,
  said: ThreadMessage[],
): Promise<void> {
  const messages = said
    .filter(wasSaid)
    .map(memorable)
    .filter(({ text }) => text !== "");
  const before = await keptBetween(ctx, thread.threadId, after, upTo);
  const isKept = ({ seq, messageId, text }: Memorable, kept: KeptMessage) =>
    kept.seq === seq && kept.messageId === messageId && kept.text === keptText(text);
  const stale = before.filter((kept) => !messages.some((message) => isKept(message, kept)));
  await forgetKept(
    ctx,
    thread.threadId,
    stale.map((kept) => ({ ...kept, personId: thread.personId })),
  );
  const fresh = messages.filter((message) => !before.some((kept) => isKept(message, kept)));
  const kept = [...before.filter((each) => !stale.includes(each)), ...(await keepMessages(ctx, thread, fresh))];
  try {
    await embed(ctx, thread, kept, messages);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    console.warn("recall", error.message);
    if (mayPostpone(thread)) await postponeRecall(ctx, thread);
  }
}

/** Makes the vectors that are missing; a model whose vectors only break ties is not worth them. */
async function embed(ctx: Ctx, thread: ClaimedThread, kept: KeptMessage[], messages: Memorable[]): Promise<void> {
  const embedder = ctx.embedder(thread.embeddingModel);
  const space = recallSpace(thread.embeddingModel);
  const missing = kept.filter((each) => each.space !== space);
  if (embedder.worth === 0 || missing.length === 0) return;
  const textOfMessage = new Map(messages.map(({ seq, text }) => [seq, truncate(text, MOST_EMBEDDED)]));
  const vectors = await embedder.embed(missing.map(({ seq }) => textOfMessage.get(seq)!));
  const place = recallPlace(thread.threadId, thread.personId);
  const index = ctx.vectors({ storeId: place, space, dimensions: vectors[0]!.length, own: true });
  await index.upsert(missing.map(({ id }, at) => ({ id, documentId: thread.threadId, values: vectors[at]! })));
  const orphans = await noteVectors(
    ctx,
    missing.map(({ id }) => id),
    space,
  );
  if (orphans.length === 0) return;
  await index.delete(orphans);
  throw new RecallClaimLost();
}
