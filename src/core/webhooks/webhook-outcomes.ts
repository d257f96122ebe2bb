import { and, eq, isNotNull, isNull, sql } from "drizzle-orm";
import { inBatch } from "../../db/client.ts";
import { webhookDeliveries, webhookEndpoints, type webhookAttempts } from "../../db/schema.ts";
import type { Ctx } from "../context.ts";
import { dropDeliveries, type WebhookEndpoint } from "./webhook-endpoints.ts";
import { ringWebhooks } from "./webhooks.ts";

/** An endpoint that has failed for so long is disabled. */
const PATIENCE_MS = 5 * 24 * 60 * 60 * 1000;
/** What is due later is rung for by the sweep. */
const NEXT_SWEEP_MS = 60_000;
const MOST_JITTER = 0.1;
/** An event that is only to show whether it arrives: sent once. */
const TEST = "webhook.test";

export type WebhookAttempt = typeof webhookAttempts.$inferSelect;

/** What is being sent, and to whom. */
export type Claimed = { eventId: string; type: string; body: string; attempts: number; endpoint: WebhookEndpoint };

/** Only the attempt that was claimed last decides how it goes on. */
export async function settleAttempt(
  ctx: Ctx,
  claimed: Claimed,
  attempt: WebhookAttempt,
  retryAfter: number,
): Promise<void> {
  const { endpoint, eventId, attempts } = claimed;
  const now = ctx.now();
  const failed = attempt.error !== null;
  const waitMs = failed ? nextWaitMs(ctx, claimed, retryAfter) : null;
  const status = waitMs !== null ? "pending" : failed ? "failed" : "delivered";
  const isClaimed = and(
    eq(webhookDeliveries.endpointId, endpoint.id),
    eq(webhookDeliveries.eventId, eventId),
    eq(webhookDeliveries.status, "sending"),
    eq(webhookDeliveries.attempts, attempts),
  );
  await ctx.db.batch([
    ctx.db
      .update(webhookDeliveries)
      .set({ status, dueAt: new Date(now.getTime() + (waitMs ?? 0)) })
      .where(isClaimed),
    recordAttempt(ctx, attempt),
    failed ? startsFailing(ctx, endpoint.id, now) : works(ctx, endpoint.id),
  ]);
  if (attempt.statusCode === 410) await disable(ctx, endpoint.id, "gone");
  else if (failed && isOutOfPatience(endpoint, now)) await disable(ctx, endpoint.id, "failing");
  else if (waitMs !== null && waitMs <= NEXT_SWEEP_MS) ringWebhooks(ctx, [endpoint.id], Math.ceil(waitMs / 1000));
}

/** Null: there is no next time. */
function nextWaitMs(ctx: Ctx, { type, attempts }: Claimed, retryAfter: number): number | null {
  const seconds = ctx.webhookRetrySeconds[attempts - 1];
  if (seconds === undefined || type === TEST) return null;
  return Math.max(seconds * 1000 * (1 + MOST_JITTER * fraction(ctx.newId())), retryAfter);
}

/** A number from 0 to 1 out of the random end of an id. */
const fraction = (id: string) => Number.parseInt(id.slice(-6), 16) / 0x1000000;

const isOutOfPatience = ({ failingSince }: WebhookEndpoint, now: Date) =>
  failingSince !== null && now.getTime() - failingSince.getTime() >= PATIENCE_MS;

const startsFailing = (ctx: Ctx, id: string, now: Date) =>
  ctx.db
    .update(webhookEndpoints)
    .set({ failingSince: now })
    .where(and(eq(webhookEndpoints.id, id), isNull(webhookEndpoints.failingSince)));

const works = (ctx: Ctx, id: string) =>
  ctx.db
    .update(webhookEndpoints)
    .set({ failingSince: null })
    .where(and(eq(webhookEndpoints.id, id), isNotNull(webhookEndpoints.failingSince)));

/** An endpoint that was deleted meanwhile leaves nothing behind. */
const recordAttempt = (ctx: Ctx, row: WebhookAttempt) =>
  inBatch(
    ctx.db,
    sql`
    insert into webhook_attempts
      (id, project_id, endpoint_id, event_id, type, attempt, status_code, error, answer, duration_ms, created_at)
    select ${row.id}, ${row.projectId}, ${row.endpointId}, ${row.eventId}, ${row.type}, ${row.attempt},
      ${row.statusCode}, ${row.error}, ${row.answer}, ${row.durationMs}, ${row.createdAt.getTime()}
    where exists (select 1 from webhook_endpoints where id = ${row.endpointId})`,
  );

/** What it was owed is given up; those who watch the project are told. */
async function disable(ctx: Ctx, id: string, reason: "gone" | "failing"): Promise<void> {
  const now = ctx.now();
  const [disabled] = await ctx.db.batch([
    ctx.db
      .update(webhookEndpoints)
      .set({ status: "disabled", disabledReason: reason, updatedAt: now })
      .where(and(eq(webhookEndpoints.id, id), eq(webhookEndpoints.status, "active")))
      .returning({ id: webhookEndpoints.id }),
    dropDeliveries(ctx, id),
  ]);
  if (disabled.length === 0) return;
  const event = { threadId: null, type: "webhook-endpoint-disabled" as const, endpointId: id, reason };
  await ctx.feed.publish([{ source: `webhook-endpoint/${id}`, seq: now.getTime(), events: [event] }]);
}
