import { and, desc, eq, getTableColumns } from "drizzle-orm";
import { webhookDeliveries } from "../../db/schema.ts";
import type { Ctx } from "../context.ts";
import { DomainError, notFound } from "../errors.ts";
import { afterCursor, pageOf, type Page, type PageRequest } from "../pages.ts";
import { attemptDelivery } from "./webhook-attempts.ts";
import { getWebhookEndpoint, type WebhookEndpoint } from "./webhook-endpoints.ts";
import { webhookBody } from "./webhook-events.ts";
import type { WebhookAttempt } from "./webhook-outcomes.ts";
import { LEASE_MS } from "./webhook-queue.ts";
import { ringWebhooks } from "./webhooks.ts";

/** One event on its way to one endpoint. */
export type WebhookDelivery = typeof webhookDeliveries.$inferSelect;
export type ListedDelivery = Omit<WebhookDelivery, "body">;

const { body: _body, ...listed } = getTableColumns(webhookDeliveries);

const mine = (ctx: Ctx, endpointId: string, eventId: string) =>
  and(
    eq(webhookDeliveries.endpointId, endpointId),
    eq(webhookDeliveries.eventId, eventId),
    eq(webhookDeliveries.projectId, ctx.project.id),
  );

/** Newest first. */
export async function listWebhookDeliveries(
  ctx: Ctx,
  endpointId: string,
  page: PageRequest & { status?: WebhookDelivery["status"] | undefined },
): Promise<Page<ListedDelivery>> {
  const { id } = await getWebhookEndpoint(ctx, endpointId);
  const { createdAt, eventId, status } = webhookDeliveries;
  const rows = await ctx.db
    .select(listed)
    .from(webhookDeliveries)
    .where(
      and(
        eq(webhookDeliveries.endpointId, id),
        page.status ? eq(status, page.status) : undefined,
        afterCursor(page.cursor, { createdAt, id: eventId }, "newest first"),
      ),
    )
    .orderBy(desc(createdAt), desc(eventId))
    .limit(page.limit + 1);
  return pageOf(rows, page.limit, (row) => ({ at: row.createdAt.getTime(), id: row.eventId }));
}

export async function getWebhookDelivery(ctx: Ctx, endpointId: string, eventId: string): Promise<WebhookDelivery> {
  const delivery = await ctx.db.query.webhookDeliveries.findFirst({ where: mine(ctx, endpointId, eventId) });
  if (!delivery) throw notFound("webhook delivery", eventId);
  return delivery;
}

/** Sends an event again, as it was sent before; if need be as often as a new one. */
export async function redeliverWebhook(ctx: Ctx, endpointId: string, eventId: string): Promise<WebhookDelivery> {
  requireActive(await getWebhookEndpoint(ctx, endpointId));
  const delivery = await getWebhookDelivery(ctx, endpointId, eventId);
  if (delivery.status === "sending") return delivery;
  const changed = { status: "pending" as const, attempts: 0, dueAt: ctx.now() };
  await ctx.db
    .update(webhookDeliveries)
    .set(changed)
    .where(mine(ctx, endpointId, eventId));
  ringWebhooks(ctx, [endpointId]);
  return { ...delivery, ...changed };
}

/** Sends an event that only shows whether it arrives, once and at once. */
export async function testWebhookEndpoint(ctx: Ctx, endpointId: string): Promise<WebhookAttempt> {
  const endpoint = await getWebhookEndpoint(ctx, endpointId);
  requireActive(endpoint);
  const [eventId, now] = [ctx.newId(), ctx.now()];
  const event = { type: "webhook.test" as const, data: { webhook_endpoint_id: endpointId } };
  const delivery: WebhookDelivery = {
    endpointId,
    eventId,
    projectId: ctx.project.id,
    threadId: null,
    type: event.type,
    body: webhookBody(eventId, event, now),
    status: "sending",
    attempts: 1,
    dueAt: new Date(now.getTime() + LEASE_MS),
    createdAt: now,
  };
  await ctx.db.insert(webhookDeliveries).values(delivery);
  return attemptDelivery(ctx, { ...delivery, endpoint });
}

function requireActive({ status }: WebhookEndpoint): void {
  if (status === "disabled") throw new DomainError("conflict", "this endpoint is disabled");
}
