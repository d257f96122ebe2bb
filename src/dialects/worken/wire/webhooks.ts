import type { ListedDelivery, WebhookDelivery } from "../../../core/webhooks/webhook-deliveries.ts";
import type { WebhookEndpoint } from "../../../core/webhooks/webhook-endpoints.ts";
import type { WebhookAttempt } from "../../../core/webhooks/webhook-outcomes.ts";
import { type Wire, time } from "./parts.ts";

export const webhookEndpointView = (endpoint: WebhookEndpoint): Wire<"WebhookEndpoint"> => ({
  id: endpoint.id,
  url: endpoint.url,
  status: endpoint.status,
  created_at: time(endpoint.createdAt),
  ...(endpoint.disabledReason ? { disabled_reason: endpoint.disabledReason } : {}),
});

export const webhookDeliveryView = (delivery: ListedDelivery): Wire<"WebhookDelivery"> => ({
  event_id: delivery.eventId,
  event_type: delivery.type,
  status: delivery.status,
  attempts: delivery.attempts,
  next_attempt_at: delivery.status === "pending" ? time(delivery.dueAt) : null,
  created_at: time(delivery.createdAt),
});

export const webhookDeliveryDetailView = (delivery: WebhookDelivery): Wire<"WebhookDeliveryDetail"> => ({
  ...webhookDeliveryView(delivery),
  event: JSON.parse(delivery.body) as Wire<"WebhookEvent">,
});

export const webhookAttemptView = (attempt: WebhookAttempt): Wire<"WebhookAttempt"> => ({
  id: attempt.id,
  event_id: attempt.eventId,
  event_type: attempt.type,
  attempt: attempt.attempt,
  status: attempt.error === null ? "succeeded" : "failed",
  status_code: attempt.statusCode,
  error: attempt.error,
  response: attempt.answer,
  duration_ms: attempt.durationMs,
  created_at: time(attempt.createdAt),
});
