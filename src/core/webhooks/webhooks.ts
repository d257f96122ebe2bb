import { sql, type SQL } from "drizzle-orm";
import { portionsOf } from "../../lib/portions.ts";
import { inBatch } from "../../db/client.ts";
import type { Ctx } from "../context.ts";
import { webhookBody, type WebhookEvent } from "./webhook-events.ts";

/** A row for each endpoint that is to hear of an event. */
export type Told = { endpoint_id: string };

type Statement = { text: string; values: (string | number)[] };

const ON_CONFLICT = "on conflict do nothing";

/**
 * The statements that tell every active endpoint of the project of something, for the batch that makes it so: both are
 * stored or neither. `ringWebhooks` after it.
 */
export function webhookInserts(ctx: Ctx, first: WebhookEvent, ...others: WebhookEvent[]) {
  const inserts = insertsOf(ctx, [first, ...others]).map((statement) => inBatch<Told>(ctx.db, templateOf(statement)));
  // As drizzle's batches want it: one at least.
  return inserts as [(typeof inserts)[number], ...typeof inserts];
}

/** The same, if a condition holds when it comes to it: for a change that may find itself forestalled. */
export function webhookInsertIf(ctx: Ctx, condition: SQL, event: WebhookEvent) {
  const [{ text, values }] = insertsOf(ctx, [event]) as [Statement];
  const [head, tail] = text.split(ON_CONFLICT) as [string, string];
  return inBatch<Told>(
    ctx.db,
    sql`${templateOf({ text: head, values })} and ${condition} ${sql.raw(ON_CONFLICT + tail)}`,
  );
}

/** The same for a batch that is written by hand. Its rows name who is to be rung for. */
export const webhookStatements = (ctx: Ctx, events: WebhookEvent[]): D1PreparedStatement[] =>
  insertsOf(ctx, events).map(({ text, values }) => ctx.db.$client.prepare(text).bind(...values));

/** Lets those who are owed something be told of it. */
export const ringWebhooks = (ctx: Ctx, endpointIds: Iterable<string | null> = [null], delaySeconds = 0): void =>
  ctx.defer(
    Promise.all(
      [...new Set(endpointIds)].map((endpointId) =>
        ctx.jobs.ring({ kind: "deliver-webhooks", projectId: ctx.project.id, endpointId }, delaySeconds),
      ),
    ),
  );

/** The same for those whom a batch has told something; nothing where there are none. */
export const ringTold = (ctx: Ctx, told: Told[]): void =>
  ringWebhooks(
    ctx,
    told.map(({ endpoint_id }) => endpoint_id),
  );

/** An endpoint that has the event already does not get it again. */
function insertsOf(ctx: Ctx, events: WebhookEvent[]): Statement[] {
  const now = ctx.now();
  const rows = events.map((event) => {
    const id = event.id ?? ctx.newId();
    const threadId = "thread_id" in event.data ? event.data.thread_id : null;
    return { id, type: event.type, threadId, body: webhookBody(id, event, event.at ?? now) };
  });
  return portionsOf(rows.map((row) => JSON.stringify(row))).map((portion) => ({
    text: `insert into webhook_deliveries
        (endpoint_id, event_id, project_id, thread_id, type, body, status, attempts, due_at, created_at)
      select e.id, v.value ->> 'id', e.project_id, v.value ->> 'threadId', v.value ->> 'type', v.value ->> 'body',
        'pending', 0, ?, ?
      from webhook_endpoints e cross join json_each(?) v
      where e.project_id = ? and e.status = 'active'
      ${ON_CONFLICT} returning endpoint_id`,
    values: [now.getTime(), now.getTime(), `[${portion.join()}]`, ctx.project.id],
  }));
}

/** A statement with question marks, as drizzle's batches take it. */
function templateOf({ text, values }: Statement): SQL {
  const parts = text
    .split("?")
    .flatMap((part, index) => (index === 0 ? [sql.raw(part)] : [sql`${values[index - 1]}`, sql.raw(part)]));
  return sql.join(parts);
}
