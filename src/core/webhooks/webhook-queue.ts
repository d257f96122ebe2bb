import { eq, sql } from "drizzle-orm";
import { inBatch, type Db } from "../../db/client.ts";
import { webhookEndpoints } from "../../db/schema.ts";
import type { Ctx } from "../context.ts";
import type { JobPort } from "../ports.ts";
import { attemptDelivery } from "./webhook-attempts.ts";
import type { Claimed } from "./webhook-outcomes.ts";
import { ringWebhooks } from "./webhooks.ts";

/** An attempt that has not come to its end by then is taken for lost, and made again. */
export const LEASE_MS = 25_000;
const MOST_AT_ONCE = 10;
/** After this a new job goes on, so that none grows old. */
const WORK_MS = 15_000;
const SWEEP_EVERY_MS = 60_000;
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;
const MOST_PER_SWEEP = 1000;

/**
 * Sends what is due to one endpoint, some of it at once. It does so behind the job's back: a receiver that is slow keeps
 * nobody waiting but itself.
 */
export async function deliverWebhooks(ctx: Ctx, endpointId: string | null): Promise<void> {
  if (endpointId === null) return ringWebhooks(ctx, await endpointsWithWork(ctx));
  const until = ctx.now().getTime() + WORK_MS;
  ctx.defer(work(ctx, endpointId, until).catch((error: unknown) => console.error("webhooks", error)));
}

async function work(ctx: Ctx, endpointId: string, until: number): Promise<void> {
  if (ctx.now().getTime() >= until) return ringWebhooks(ctx, [endpointId]);
  const claimed = await claimDelivery(ctx, endpointId);
  if (!claimed) return;
  const sent = attemptDelivery(ctx, claimed).then(() => work(ctx, endpointId, until));
  await Promise.all([sent, work(ctx, endpointId, until)]);
}

async function endpointsWithWork(ctx: Ctx): Promise<string[]> {
  const rows = await ctx.db.all<{ id: string }>(sql`
    select id from webhook_endpoints e where project_id = ${ctx.project.id} and status = 'active' and exists
      (select 1 from webhook_deliveries where endpoint_id = e.id and status = 'pending' and due_at <= ${ctx.now().getTime()})`);
  return rows.map(({ id }) => id);
}

/**
 * Takes for itself what is due the longest, unless enough is under way. What was lost on its way comes first: it is due
 * again when its time has run out.
 */
async function claimDelivery(ctx: Ctx, endpointId: string): Promise<Claimed | null> {
  const now = ctx.now().getTime();
  const [claims, endpoints] = await ctx.db.batch([
    inBatch<Omit<Claimed, "endpoint">>(
      ctx.db,
      sql`
      update webhook_deliveries set status = 'sending', attempts = attempts + 1, due_at = ${now + LEASE_MS}
      where rowid in (${dueFirst(endpointId, now)})
        and (select count(*) from webhook_deliveries
             where endpoint_id = ${endpointId} and status = 'sending' and due_at > ${now}) < ${MOST_AT_ONCE}
        and exists (select 1 from webhook_endpoints
                    where id = ${endpointId} and project_id = ${ctx.project.id} and status = 'active')
      returning event_id as eventId, type, body, attempts`,
    ),
    ctx.db.select().from(webhookEndpoints).where(eq(webhookEndpoints.id, endpointId)),
  ]);
  const [claim, endpoint] = [claims[0], endpoints[0]];
  return claim && endpoint ? { ...claim, endpoint } : null;
}

const dueFirst = (endpointId: string, now: number) => sql`
  select rowid from (
    select rowid, 0 as place, due_at from webhook_deliveries
    where endpoint_id = ${endpointId} and status = 'sending' and due_at <= ${now}
    union all
    select * from (
      select rowid, 1, due_at from webhook_deliveries
      where endpoint_id = ${endpointId} and status = 'pending' and due_at <= ${now} order by due_at limit 1)
  ) order by place, due_at limit 1`;

/** Rings for every endpoint that is owed something before the next sweep, at the time when it is due. */
export async function sweepWebhooks(db: Db, jobs: JobPort, now: Date): Promise<void> {
  const due = await db.all<{ id: string; projectId: string; dueAt: number }>(sql`
    select * from (
      select id, project_id as projectId, min(coalesce(${firstDue("pending")}, ${NEVER}), coalesce(${firstDue("sending")}, ${NEVER})) as dueAt
      from webhook_endpoints e where status = 'active')
    where dueAt <= ${now.getTime() + SWEEP_EVERY_MS} order by dueAt limit ${MOST_PER_SWEEP}`);
  await Promise.all(
    due.map(({ id, projectId, dueAt }) => {
      const seconds = Math.max(0, Math.ceil((dueAt - now.getTime()) / 1000));
      return jobs.ring({ kind: "deliver-webhooks", projectId, endpointId: id }, seconds);
    }),
  );
}

const NEVER = Number.MAX_SAFE_INTEGER;
const firstDue = (status: "pending" | "sending") => sql`
  (select min(due_at) from webhook_deliveries where endpoint_id = e.id and status = ${status})`;

/** What was sent long ago is not listed for ever. Some of it at a time. */
export async function forgetOldWebhooks({ db, now }: Pick<Ctx, "db" | "now">): Promise<void> {
  const before = now().getTime() - KEPT_MS;
  const old = (table: string) => sql`
    delete from ${sql.identifier(table)} where rowid in (
      select t.rowid from webhook_endpoints e cross join ${sql.identifier(table)} t
      on t.endpoint_id = e.id and t.created_at < ${before} limit ${MOST_PER_SWEEP})`;
  await db.batch([inBatch(db, old("webhook_deliveries")), inBatch(db, old("webhook_attempts"))]);
}
