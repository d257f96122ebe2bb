import * as z from "zod";
import { ListQuery, Time } from "./parts.ts";

const Secret = z.string().min(1).max(1000);
const WebhookUrl = z.string().max(2000);
const EndpointStatus = z.enum(["active", "disabled"]);

export const WebhookEndpoint = z
  .object({
    id: z.string(),
    url: z.string(),
    status: EndpointStatus,
    created_at: Time,
    disabled_reason: z.enum(["failing", "gone"]).optional(),
  })
  .meta({ id: "WebhookEndpoint" });

export const CreateWebhookEndpoint = z
  .object({ url: WebhookUrl, secret: Secret })
  .meta({ id: "CreateWebhookEndpoint" });

export const UpdateWebhookEndpoint = z
  .object({ url: WebhookUrl.optional(), status: EndpointStatus.optional(), secret: Secret.optional() })
  .meta({ id: "UpdateWebhookEndpoint" });

export const WebhookEvent = z
  .object({ id: z.string(), type: z.string(), created_at: Time, data: z.record(z.string(), z.unknown()) })
  .meta({ id: "WebhookEvent" });

const DeliveryStatus = z.enum(["pending", "sending", "delivered", "failed", "dropped"]);

export const WebhookDelivery = z
  .object({
    event_id: z.string(),
    event_type: z.string(),
    status: DeliveryStatus,
    attempts: z.int(),
    next_attempt_at: Time.nullable(),
    created_at: Time,
  })
  .meta({ id: "WebhookDelivery" });

export const WebhookDeliveryDetail = WebhookDelivery.extend({ event: WebhookEvent }).meta({
  id: "WebhookDeliveryDetail",
});

export const WebhookAttempt = z
  .object({
    id: z.string(),
    event_id: z.string(),
    event_type: z.string(),
    attempt: z.int(),
    status: z.enum(["succeeded", "failed"]),
    status_code: z.int().nullable(),
    error: z.string().nullable(),
    response: z.string().nullable(),
    duration_ms: z.int(),
    created_at: Time,
  })
  .meta({ id: "WebhookAttempt" });

const WebhookQuery = ListQuery.extend({ limit: z.coerce.number().int().min(1).max(1000).default(100) });
export const WebhookAttemptQuery = WebhookQuery;
export const WebhookDeliveryQuery = WebhookQuery.extend({ status: DeliveryStatus.optional() });

export const Deleted = z.object({ id: z.string(), deleted: z.literal(true) }).meta({ id: "Deleted" });
