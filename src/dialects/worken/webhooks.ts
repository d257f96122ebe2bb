import * as z from "zod";
import { answering } from "../../core/idempotency.ts";
import { listWebhookAttempts } from "../../core/webhooks/webhook-attempts.ts";
import {
  getWebhookDelivery,
  listWebhookDeliveries,
  redeliverWebhook,
  testWebhookEndpoint,
} from "../../core/webhooks/webhook-deliveries.ts";
import {
  createWebhookEndpoint,
  deleteWebhookEndpoint,
  getWebhookEndpoint,
  listWebhookEndpoints,
  updateWebhookEndpoint,
} from "../../core/webhooks/webhook-endpoints.ts";
import type { Api } from "../../http/route.ts";
import { pageView } from "./pages.ts";
import {
  CreateWebhookEndpoint,
  Deleted,
  ListQuery,
  UpdateWebhookEndpoint,
  WebhookAttempt,
  WebhookAttemptQuery,
  WebhookDelivery,
  WebhookDeliveryDetail,
  WebhookDeliveryQuery,
  WebhookEndpoint,
} from "./schemas.ts";
import { webhookAttemptView, webhookDeliveryDetailView, webhookDeliveryView, webhookEndpointView } from "./wire.ts";

const Id = z.object({ id: z.string() });
const DeliveryId = Id.extend({ event_id: z.string() });

const EVENTS = `Events are POSTed as JSON \`{id, type, created_at, data}\`, signed in \`x-worken-signature\` (HMAC-SHA256 of the body, hex) and as
[Standard Webhooks](https://www.standardwebhooks.com). Types: thread.created, thread.message.created, thread.message.updated,
thread.message.deleted, thread.mode.changed, chat.status.changed, thread.approval.requested, thread.approval.decided, schedule.created, schedule.fired, schedule.failed, schedule.cancelled,
vector_store.file.processed, vector_store.file.failed, integration.auth_lost, billing.balance.low, webhook.test. What is not
answered with 2xx is sent again with the same id and body. The secret is never shown.`;

export const webhooks = (api: Api) =>
  api
    .on(
      "get",
      "/webhook-endpoints",
      { summary: "List webhook endpoints", query: ListQuery, ok: z.array(WebhookEndpoint) },
      async ({ c, ctx, query }) => pageView(c, await listWebhookEndpoints(ctx, query), webhookEndpointView),
    )
    .on(
      "post",
      "/webhook-endpoints",
      { summary: "Create a webhook endpoint", description: EVENTS, json: CreateWebhookEndpoint, ok: WebhookEndpoint },
      async ({ ctx, json }) =>
        webhookEndpointView(await createWebhookEndpoint(answering(ctx, webhookEndpointView), json)),
    )
    .on(
      "get",
      "/webhook-endpoints/:id",
      { summary: "Get a webhook endpoint", params: Id, ok: WebhookEndpoint },
      async ({ ctx, params }) => webhookEndpointView(await getWebhookEndpoint(ctx, params.id)),
    )
    .on(
      "put",
      "/webhook-endpoints/:id",
      {
        summary: "Update a webhook endpoint",
        description:
          "A disabled endpoint hears nothing and is not told later. After a change of the secret, the Standard Webhooks signature is made with the old one too, for a day.",
        params: Id,
        json: UpdateWebhookEndpoint,
        ok: WebhookEndpoint,
      },
      async ({ ctx, params, json }) => webhookEndpointView(await updateWebhookEndpoint(ctx, params.id, json)),
    )
    .on(
      "delete",
      "/webhook-endpoints/:id",
      { summary: "Delete a webhook endpoint", params: Id, ok: Deleted },
      async ({ ctx, params }) => {
        await deleteWebhookEndpoint(ctx, params.id);
        return { id: params.id, deleted: true as const };
      },
    )
    .on(
      "get",
      "/webhook-endpoints/:id/attempts",
      { summary: "List attempts, newest first", params: Id, query: WebhookAttemptQuery, ok: z.array(WebhookAttempt) },
      async ({ c, ctx, params, query }) =>
        pageView(c, await listWebhookAttempts(ctx, params.id, query), webhookAttemptView),
    )
    .on(
      "get",
      "/webhook-endpoints/:id/deliveries",
      {
        summary: "List events and what became of them, newest first",
        params: Id,
        query: WebhookDeliveryQuery,
        ok: z.array(WebhookDelivery),
      },
      async ({ c, ctx, params, query }) =>
        pageView(c, await listWebhookDeliveries(ctx, params.id, query), webhookDeliveryView),
    )
    .on(
      "get",
      "/webhook-endpoints/:id/deliveries/:event_id",
      { summary: "Get a delivery with its event", params: DeliveryId, ok: WebhookDeliveryDetail },
      async ({ ctx, params }) => webhookDeliveryDetailView(await getWebhookDelivery(ctx, params.id, params.event_id)),
    )
    .on(
      "post",
      "/webhook-endpoints/:id/deliveries/:event_id/redeliver",
      { summary: "Send an event again, with the same id and body", params: DeliveryId, ok: WebhookDelivery },
      async ({ ctx, params }) => webhookDeliveryView(await redeliverWebhook(ctx, params.id, params.event_id)),
    )
    .on(
      "post",
      "/webhook-endpoints/:id/test",
      { summary: "Send a test event once, and say what came of it", params: Id, ok: WebhookAttempt },
      async ({ ctx, params }) => webhookAttemptView(await testWebhookEndpoint(ctx, params.id)),
    );
