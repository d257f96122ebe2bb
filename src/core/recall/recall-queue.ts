import type { Db } from "../../db/client.ts";
import type { Ctx } from "../context.ts";
import type { JobPort } from "../ports.ts";

/** A claim that is not renewed for this long was lost with the process that held it. */
const CLAIM_MS = 30_000;
const LONGEST_WAIT_SECONDS = 600;
/** So often the model is asked for the vectors of some messages; then those are found by their words alone. */
const MOST_ATTEMPTS = 6;

/** How far a thread is remembered, for who alone works on it now. */
export type ClaimedThread = {
  threadId: string;
  personId: string | null;
  embeddingModel: string;
  doneSeq: number;
  wanted: number;
  attempts: number;
  claim: string;
};

/** Somebody else works on the thread, or it is gone. */
export class RecallClaimLost extends Error {
  override name = "RecallClaimLost";
}

type Wish = { threadId: string; embeddingModel: string | null; version: number; changedFrom: number };

/** Part of the batch that brings the lists up to date: what was said, or changed from one message on, is to be remembered. */
export const recallStatement = (ctx: Ctx, { threadId, embeddingModel, version, changedFrom }: Wish) =>
  ctx.db.$client
    .prepare(
      `insert into recalled_threads (project_id, thread_id, embedding_model, done_seq, wanted, due_at, attempts)
       values (?, ?, ?, 0, ?, ?, 0)
       on conflict (project_id, thread_id) do update set
         embedding_model = excluded.embedding_model, done_seq = min(done_seq, ?), wanted = excluded.wanted,
         due_at = coalesce(due_at, excluded.due_at)
       where excluded.wanted > wanted`,
    )
    .bind(
      ctx.project.id,
      threadId,
      embeddingModel ?? ctx.defaultEmbeddingModel,
      version,
      ctx.now().getTime(),
      changedFrom - 1,
    );

export const ringForRecall = (ctx: Ctx, threadId: string, delaySeconds?: number): Promise<void> =>
  ctx.jobs.ring({ kind: "remember-messages", projectId: ctx.project.id, threadId }, delaySeconds);

type Row = {
  thread_id: string;
  person_id: string | null;
  embedding_model: string;
  done_seq: number;
  wanted: number;
  attempts: number;
  claim: string;
};

/** Null: there is nothing to do, or not yet, or somebody else does it. */
export async function claimRecall(ctx: Ctx, threadId: string): Promise<ClaimedThread | null> {
  const now = ctx.now().getTime();
  const row = await ctx.db.$client
    .prepare(
      `update recalled_threads set claim = ?, due_at = ?, attempts = attempts + 1
       where project_id = ? and thread_id = ? and due_at <= ? returning *`,
    )
    .bind(ctx.newId(), now + CLAIM_MS, ctx.project.id, threadId, now)
    .first<Row>();
  return (
    row && {
      threadId,
      personId: row.person_id,
      embeddingModel: row.embedding_model,
      doneSeq: row.done_seq,
      wanted: row.wanted,
      attempts: row.attempts,
      claim: row.claim,
    }
  );
}

const MINE = "where project_id = ? and thread_id = ? and claim = ?";
const mine = (ctx: Ctx, { threadId, claim }: ClaimedThread) => [ctx.project.id, threadId, claim];

/** Notes how far the work has come, and that it goes on. A change of what was done before is heeded by the next claim. */
export async function advanceRecall(ctx: Ctx, thread: ClaimedThread, doneSeq: number): Promise<void> {
  const row = await ctx.db.$client
    .prepare(
      `update recalled_threads set done_seq = ?, person_id = ?, attempts = 1, due_at = ? ${MINE} and done_seq = ? returning 1`,
    )
    .bind(doneSeq, thread.personId, ctx.now().getTime() + CLAIM_MS, ...mine(ctx, thread), thread.doneSeq)
    .first();
  if (!row) return releaseRecall(ctx, thread, 0);
  thread.doneSeq = doneSeq;
}

/** Ends the work, unless more was said meanwhile; then it is rung for again. */
export async function finishRecall(ctx: Ctx, thread: ClaimedThread, hasMore: boolean): Promise<void> {
  const row = await ctx.db.$client
    .prepare(
      `update recalled_threads set claim = null, attempts = 0, due_at = case when ? or wanted > ? then ? end
       ${MINE} returning due_at`,
    )
    .bind(hasMore ? 1 : 0, thread.wanted, ctx.now().getTime(), ...mine(ctx, thread))
    .first<{ due_at: number | null }>();
  if (row?.due_at) await ringForRecall(ctx, thread.threadId);
}

/** Gives the work back, to be claimed again after some seconds. */
async function releaseRecall(ctx: Ctx, thread: ClaimedThread, seconds: number): Promise<never> {
  await ctx.db.$client
    .prepare(`update recalled_threads set claim = null, due_at = ? ${MINE}`)
    .bind(ctx.now().getTime() + seconds * 1000, ...mine(ctx, thread))
    .run();
  await ringForRecall(ctx, thread.threadId, seconds);
  throw new RecallClaimLost();
}

/** False: it was tried often enough. */
export const mayPostpone = ({ attempts }: ClaimedThread): boolean => attempts < MOST_ATTEMPTS;

/** Tries again later, each time after a longer wait. */
export const postponeRecall = (ctx: Ctx, thread: ClaimedThread): Promise<never> =>
  releaseRecall(ctx, thread, Math.min(2 ** thread.attempts, LONGEST_WAIT_SECONDS));

const MOST_PER_SWEEP = 500;

/** Rings for what has been due for a while: its bell was lost, or the worker that had it. */
export async function sweepRecall(db: Db, jobs: JobPort, now: Date): Promise<void> {
  const { results } = await db.$client
    .prepare(
      `select project_id as projectId, thread_id as threadId from recalled_threads where due_at < ? order by due_at limit ?`,
    )
    .bind(now.getTime(), MOST_PER_SWEEP)
    .all<{ projectId: string; threadId: string }>();
  await Promise.all(results.map((thread) => jobs.ring({ kind: "remember-messages", ...thread })));
}
