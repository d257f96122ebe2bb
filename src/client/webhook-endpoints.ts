import { path, type CallOptions, type Connection } from "./connection.ts";
import type {
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
} from "./types.ts";

export const webhookEndpoints = (connection: Connection) => ({
  list: (query?: ListQuery, options?: CallOptions) =>
    connection.list<WebhookEndpoint[]>("/webhook-endpoints", query, options),
  create: (endpoint: CreateWebhookEndpoint, options?: CallOptions) =>
    connection.post<WebhookEndpoint>("/webhook-endpoints", endpoint, options),
  get: (endpointId: string, options?: CallOptions) =>
    connection.get<WebhookEndpoint>(path`/webhook-endpoints/${endpointId}`, options),
  update: (endpointId: string, changes: UpdateWebhookEndpoint, options?: CallOptions) =>
    connection.put<WebhookEndpoint>(path`/webhook-endpoints/${endpointId}`, changes, options),
  delete: (endpointId: string, options?: CallOptions) =>
    connection.delete<Deleted>(path`/webhook-endpoints/${endpointId}`, options),
  /** Sends an event of the type `webhook.test`, once. */
  test: (endpointId: string, options?: CallOptions) =>
    connection.post<WebhookAttempt>(path`/webhook-endpoints/${endpointId}/test`, undefined, options),

  attempts: {
    list: (endpointId: string, query?: WebhookAttemptQuery, options?: CallOptions) =>
      connection.list<WebhookAttempt[]>(path`/webhook-endpoints/${endpointId}/attempts`, query, options),
  },

  deliveries: {
    list: (endpointId: string, query?: WebhookDeliveryQuery, options?: CallOptions) =>
      connection.list<WebhookDelivery[]>(path`/webhook-endpoints/${endpointId}/deliveries`, query, options),
    get: (endpointId: string, eventId: string, options?: CallOptions) =>
      connection.get<WebhookDeliveryDetail>(path`/webhook-endpoints/${endpointId}/deliveries/${eventId}`, options),
    /** Sends an event again, with its id and its body. */
    redeliver: (endpointId: string, eventId: string, options?: CallOptions) =>
      connection.post<WebhookDelivery>(
        path`/webhook-endpoints/${endpointId}/deliveries/${eventId}/redeliver`,
        undefined,
        options,
      ),
  },
});
