import { and, asc, eq, isNotNull, isNull, lt, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { inboundEvents } from "../../db/schema.ts";
import { openChannel } from "./channel-access.ts";
import { ChannelFailure, type Caller, type Incoming, type WebhookAnswer, type WebhookCall } from "./channels.ts";
import type { Ctx } from "../context.ts";
import { DomainError, notFound } from "../errors.ts";
import { findIntegration, getIntegration } from "./integrations.ts";
import { takeIncoming } from "./incoming.ts";
import { IncomingShape } from "./incoming-shape.ts";
import type { ChannelPort, JobPort } from "../ports.ts";
import { answerCall } from "./spoken-answers.ts";

/** What is older than this has lost its meaning: a vendor that was cut off for days does not bring it all back. */
const STALE_MS = 24 * 60 * 60 * 1000;
/** Longer than a vendor repeats itself. */
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;
const LEASE_MS = 60_000;
const MOST_ATTEMPTS = 12;
/** Longer than any vendor waits for the answer to a call. */
const PATIENCE_SECONDS = 15;

type Row = typeof inboundEvents.$inferSelect;

const THANKS: WebhookAnswer = { status: 200, body: '{"ok":true}', contentType: "application/json" };

/** Takes a vendor's call: what is in it is stored once, and worked off later. The vendor does not wait for more. */
export async function acceptWebhook(ctx: Ctx, integrationId: string, call: WebhookCall): Promise<WebhookAnswer> {
  const integration = await getIntegration(ctx, integrationId);
  const channel = await openChannel(ctx, integration);
  if (!channel) throw notFound("webhook of integration", integrationId);
  const { greeting, isVerified } = await meet(channel, call);
  if (greeting) return greeting;
  if (!isVerified) throw new DomainError("unauthenticated", "this call does not come from the vendor");
  const caller = readCaller(channel, call);
  if (integration.status === "disabled") return silence(channel, call, caller);
  if (channel.collect) await ctx.jobs.ring({ kind: "collect-messages", projectId: ctx.project.id, integrationId });
  const incoming = readCall(channel, call);
  if (caller)
    return answerCall(ctx, { channel, integrationId, caller, call }, () => takeNow(ctx, integrationId, incoming));
  await store(ctx, integrationId, incoming);
  return channel.answer?.(call) ?? THANKS;
}

/** Nobody is there; who waits for words hears that. */
const silence = (channel: ChannelPort, call: WebhookCall, caller: Caller | null): WebhookAnswer =>
  (caller && channel.speak?.(call, [], "failed").answer) ?? channel.answer?.(call) ?? THANKS;

/** What nobody else is to take up before its own call is over. */
async function takeNow(ctx: Ctx, integrationId: string, incoming: Incoming[]): Promise<void> {
  await store(ctx, integrationId, incoming, PATIENCE_SECONDS);
  for (const chatKey of new Set(incoming.map((event) => event.chatKey))) {
    await receiveMessages(ctx, integrationId, chatKey);
  }
}

function readCaller(channel: ChannelPort, call: WebhookCall): Caller | null {
  try {
    return channel.caller?.(call) ?? null;
  } catch (error) {
    console.warn("webhook", error);
    return null;
  }
}

/** Who calls may have to be looked for in the body, and what cannot be read there is nobody's. */
async function meet(channel: ChannelPort, call: WebhookCall) {
  try {
    const greeting = (await channel.greet?.(call)) ?? null;
    return { greeting, isVerified: greeting !== null || (await channel.verify(call)) };
  } catch (error) {
    if (isUnreadable(error)) throw new DomainError("malformed", "the body cannot be read");
    if (error instanceof ChannelFailure) throw new DomainError("upstream_failed", error.message);
    throw error;
  }
}

/** It is no JSON, or not the object that a vendor would send. */
const isUnreadable = (error: unknown) => error instanceof SyntaxError || error instanceof TypeError;

/** An update of a shape that nobody foresaw is let pass: refused, it would come again for ever. */
function readCall(channel: ChannelPort, call: WebhookCall): Incoming[] {
  try {
    return channel.read(call).filter(isWhole);
  } catch (error) {
    if (error instanceof SyntaxError) throw new DomainError("malformed", "the body cannot be read");
    console.warn("webhook", error);
    return [];
  }
}

const isWhole = (event: Incoming) => IncomingShape.safeParse(event).success;

/** The same for what no call has brought. */
export const storeIncoming = (ctx: Ctx, integrationId: string, incoming: Incoming[]): Promise<void> =>
  store(ctx, integrationId, incoming.filter(isWhole));

async function store(ctx: Ctx, integrationId: string, incoming: Incoming[], ringAfter?: number): Promise<void> {
  const now = ctx.now();
  const fresh = incoming.filter(({ at }) => at === null || at > now.getTime() - STALE_MS);
  const [first, ...others] = fresh.map((event) =>
    ctx.db
      .insert(inboundEvents)
      .values({
        projectId: ctx.project.id,
        integrationId,
        eventId: event.eventId,
        chatKey: event.chatKey,
        body: JSON.stringify(event),
        attempts: 0,
        dueAt: now,
        receivedAt: now,
      })
      .onConflictDoNothing()
      .returning({ chatKey: inboundEvents.chatKey }),
  );
  if (!first) return;
  const stored = (await ctx.db.batch([first, ...others])).flat();
  await Promise.all(
    [...new Set(stored.map(({ chatKey }) => chatKey))].map((key) => ring(ctx, integrationId, key, ringAfter)),
  );
}

const ring = (ctx: Ctx, integrationId: string, chatKey: string, delaySeconds?: number) =>
  ctx.jobs.ring({ kind: "receive-messages", projectId: ctx.project.id, integrationId, chatKey }, delaySeconds);

/** Works off what came in from one conversation, in order, until nothing is left or something has to wait. */
export async function receiveMessages(ctx: Ctx, integrationId: string, chatKey: string): Promise<void> {
  for (let row = await claim(ctx, integrationId, chatKey); row; row = await claim(ctx, integrationId, chatKey)) {
    if (!(await handle(ctx, row))) return;
  }
}

async function claim(ctx: Ctx, integrationId: string, chatKey: string): Promise<Row | null> {
  const now = ctx.now();
  const next = ctx.db
    .select({ seq: inboundEvents.seq })
    .from(inboundEvents)
    .where(
      and(
        eq(inboundEvents.integrationId, integrationId),
        eq(inboundEvents.chatKey, chatKey),
        eq(inboundEvents.projectId, ctx.project.id),
        isNull(inboundEvents.doneAt),
      ),
    )
    .orderBy(asc(inboundEvents.seq))
    .limit(1);
  const [claimed] = await ctx.db
    .update(inboundEvents)
    .set({ dueAt: new Date(now.getTime() + LEASE_MS), attempts: sql`${inboundEvents.attempts} + 1` })
    .where(and(eq(inboundEvents.seq, next), lt(inboundEvents.dueAt, new Date(now.getTime() + 1))))
    .returning();
  return claimed ?? null;
}

async function handle(ctx: Ctx, row: Row): Promise<boolean> {
  try {
    await take(ctx, row);
  } catch (error) {
    console.error("inbound", row.attempts, error);
    if (row.attempts < MOST_ATTEMPTS) return postpone(ctx, row);
  }
  const done = { doneAt: ctx.now(), body: "" };
  await ctx.db.update(inboundEvents).set(done).where(eq(inboundEvents.seq, row.seq));
  return true;
}

async function take(ctx: Ctx, row: Row): Promise<void> {
  const event = JSON.parse(row.body) as Incoming;
  const integration = await findIntegration(ctx, row.integrationId);
  const channel = integration && (await openChannel(ctx, integration));
  const isStale = ctx.now().getTime() - (event.at ?? row.receivedAt.getTime()) > STALE_MS;
  if (channel && !isStale) await takeIncoming(ctx, { integrationId: integration.id, channel }, event);
}

async function postpone(ctx: Ctx, { seq, integrationId, chatKey, attempts }: Row): Promise<false> {
  const seconds = Math.min(2 ** attempts, 300);
  const dueAt = new Date(ctx.now().getTime() + seconds * 1000);
  await ctx.db.update(inboundEvents).set({ dueAt }).where(eq(inboundEvents.seq, seq));
  await ring(ctx, integrationId, chatKey, seconds);
  return false;
}

/** Rings for what waits, as soon as it is due; forgets what no vendor repeats any more. */
export async function sweepInbound(db: Db, jobs: JobPort, now: Date): Promise<void> {
  const [waiting] = await Promise.all([
    db
      .select({
        projectId: inboundEvents.projectId,
        integrationId: inboundEvents.integrationId,
        chatKey: inboundEvents.chatKey,
        dueAt: sql<number>`max(${inboundEvents.dueAt})`,
      })
      .from(inboundEvents)
      .where(and(isNull(inboundEvents.doneAt), lt(inboundEvents.dueAt, new Date(now.getTime() + 60_000))))
      .groupBy(inboundEvents.projectId, inboundEvents.integrationId, inboundEvents.chatKey)
      .limit(1000),
    db
      .delete(inboundEvents)
      .where(and(isNotNull(inboundEvents.doneAt), lt(inboundEvents.doneAt, new Date(now.getTime() - KEPT_MS)))),
  ]);
  await Promise.all(
    waiting.map(({ dueAt, ...place }) =>
      jobs.ring({ kind: "receive-messages", ...place }, Math.max(0, Math.ceil((dueAt - now.getTime()) / 1000))),
    ),
  );
}
