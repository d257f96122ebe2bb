import { and, asc, eq, isNotNull, lt, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { channelSends } from "../../db/schema.ts";
import type { ChannelAddress, ChannelSend } from "./channels.ts";
import type { Ctx } from "../context.ts";
import type { JobPort } from "../ports.ts";

/** A message on its way to a vendor. */
export type Send = typeof channelSends.$inferSelect;

/** Nobody else takes up what one is sending; longer than a vendor is given to answer. */
const LEASE_MS = 30_000;
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/** Part of the batch that brings the lists up to date: what was said and what goes out become known together. */
export const sendStatement = (ctx: Ctx, threadId: string, address: ChannelAddress, send: ChannelSend) =>
  ctx.db.$client
    .prepare(
      `insert into channel_sends (id, project_id, thread_id, integration_id, chat_key, position, message_id, author,
         epoch, body, status, attempts, sent_pieces, due_at, created_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', 0, 0, 0, ?)
       on conflict (id) do nothing`,
    )
    .bind(
      send.id,
      ctx.project.id,
      threadId,
      address.integrationId,
      address.chatKey,
      send.position,
      send.messageId,
      send.author,
      send.epoch,
      JSON.stringify(send.body),
      send.createdAt,
    );

/** A bell for each row. */
export async function ringForSends(ctx: Ctx, threadId: string, count: number, delaySeconds?: number): Promise<void> {
  const job = { kind: "send-messages" as const, projectId: ctx.project.id, threadId };
  await Promise.all(Array.from({ length: count }, () => ctx.jobs.ring(job, delaySeconds)));
}

/** The integration can send again: what waits for that is due now. */
export async function ringForIntegration(ctx: Ctx, integrationId: string): Promise<void> {
  const waiting = await ctx.db
    .update(channelSends)
    .set({ dueAt: ctx.now() })
    .where(
      and(
        eq(channelSends.integrationId, integrationId),
        eq(channelSends.projectId, ctx.project.id),
        eq(channelSends.status, sql`'waiting'`),
      ),
    )
    .returning({ threadId: channelSends.threadId });
  await Promise.all([...new Set(waiting.map(({ threadId }) => threadId))].map((id) => ringForSends(ctx, id, 1)));
}

/** What a thread has to say and has not, in order; whoever else may be at it. */
export const listWaitingSends = (ctx: Ctx, threadId: string, limit: number): Promise<Send[]> =>
  ctx.db.query.channelSends.findMany({
    where: and(
      eq(channelSends.projectId, ctx.project.id),
      eq(channelSends.threadId, threadId),
      eq(channelSends.status, sql`'waiting'`),
    ),
    orderBy: asc(channelSends.position),
    limit,
  });

/** Takes the thread's next message for oneself, if it is due and nobody else has it. */
export async function claimSend(ctx: Ctx, threadId: string): Promise<Send | null> {
  const now = ctx.now();
  const next = ctx.db
    .select({ id: channelSends.id })
    .from(channelSends)
    .where(
      and(
        eq(channelSends.projectId, ctx.project.id),
        eq(channelSends.threadId, threadId),
        eq(channelSends.status, sql`'waiting'`),
      ),
    )
    .orderBy(asc(channelSends.position))
    .limit(1);
  const [claimed] = await ctx.db
    .update(channelSends)
    .set({ dueAt: new Date(now.getTime() + LEASE_MS), attempts: sql`${channelSends.attempts} + 1` })
    .where(and(eq(channelSends.id, next), lt(channelSends.dueAt, new Date(now.getTime() + 1))))
    .returning();
  return claimed ?? null;
}

/** The vendor has these pieces: they are not sent again. */
export const recordPieces = (ctx: Ctx, { id }: Send, sentPieces: number) =>
  ctx.db
    .update(channelSends)
    .set({ sentPieces, attempts: 0, dueAt: new Date(ctx.now().getTime() + LEASE_MS) })
    .where(eq(channelSends.id, id))
    .run();

/** The same, or all of it, in the answer to a call; false: another call has said it meanwhile. */
export async function recordSaid(ctx: Ctx, send: Send, sentPieces: number, isWhole: boolean): Promise<boolean> {
  const changed = await ctx.db
    .update(channelSends)
    .set({ sentPieces, ...(isWhole && { status: "sent" as const, error: null, endedAt: ctx.now(), body: "" }) })
    .where(
      and(
        eq(channelSends.id, send.id),
        eq(channelSends.status, sql`'waiting'`),
        eq(channelSends.sentPieces, send.sentPieces),
      ),
    )
    .returning({ id: channelSends.id });
  return changed.length > 0;
}

export const postponeSend = (ctx: Ctx, { id }: Send, dueAt: Date, error: string | null) =>
  ctx.db.update(channelSends).set({ dueAt, error }).where(eq(channelSends.id, id)).run();

/** Over, one way or the other. What it said is in the thread; it is not kept here. */
export const endSend = (ctx: Ctx, { id }: Send, status: Exclude<Send["status"], "waiting">, error: string | null) =>
  ctx.db.update(channelSends).set({ status, error, endedAt: ctx.now(), body: "" }).where(eq(channelSends.id, id)).run();

/** Rings for what waits, as soon as it is due; forgets what is long over. */
export async function sweepSends(db: Db, jobs: JobPort, now: Date): Promise<void> {
  const [waiting] = await Promise.all([
    db
      .select({
        projectId: channelSends.projectId,
        threadId: channelSends.threadId,
        dueAt: sql<number>`max(${channelSends.dueAt})`,
      })
      .from(channelSends)
      .where(and(eq(channelSends.status, sql`'waiting'`), lt(channelSends.dueAt, new Date(now.getTime() + 60_000))))
      .groupBy(channelSends.projectId, channelSends.threadId)
      .limit(1000),
    db
      .delete(channelSends)
      .where(and(isNotNull(channelSends.endedAt), lt(channelSends.endedAt, new Date(now.getTime() - KEPT_MS)))),
  ]);
  await Promise.all(
    waiting.map(({ dueAt, ...place }) =>
      jobs.ring({ kind: "send-messages", ...place }, Math.max(0, Math.ceil((dueAt - now.getTime()) / 1000))),
    ),
  );
}
