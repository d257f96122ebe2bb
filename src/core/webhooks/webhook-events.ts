import { truncate } from "../../lib/text.ts";
import type { Approval } from "../approvals.ts";
import { citationData, citationsIn, type CitationData } from "../knowledge/citations.ts";
import { textOf, type Delivery, type Json, type Message, type MessagePart } from "../messages.ts";
import type { Mode } from "../thread-state.ts";

/** What leaves the house, and what it tells. To add an event: one line here, and `webhookInserts` where it happens. */
type WebhookData = {
  "thread.created": { thread_id: string; chat_id: string };
  "thread.message.created": { thread_id: string; message: Json };
  "thread.message.updated": { thread_id: string; message: Json };
  "thread.message.deleted": { thread_id: string; message_id: string };
  "thread.mode.changed": { thread_id: string; mode: Mode };
  "thread.approval.requested": { thread_id: string; approval: Json };
  "thread.approval.decided": { thread_id: string; approval: Json };
  "chat.status.changed": { chat_id: string; status: "active" | "error"; error: string | null };
  "schedule.created": { schedule_id: string; thread_id: string; scheduled_at: string };
  "schedule.fired": { schedule_id: string; thread_id: string; message_id: string };
  "schedule.failed": { schedule_id: string; thread_id: string; error: string };
  "schedule.cancelled": { schedule_id: string; thread_id: string; reason: string };
  "vector_store.file.processed": { vector_store_id: string; file_id: string };
  "vector_store.file.failed": { vector_store_id: string; file_id: string; error: string };
  "integration.auth_lost": { integration_id: string };
  "billing.balance.low": { credits: number; bonus: number };
  "webhook.test": { webhook_endpoint_id: string };
};

/** Raised twice under one `id`, an event is told once; without one it is an event of its own. */
export type WebhookEvent = {
  [T in keyof WebhookData]: { type: T; data: WebhookData[T]; id?: string; at?: Date };
}[keyof WebhookData];

/** In the shape in which the API lists it. */
export const messageData = (message: Message) => ({
  id: message.id,
  role: message.role,
  content: textOf(message.parts),
  created_at: new Date(message.createdAt).toISOString(),
  status: message.status,
  ...(message.author === "operator" ? { metadata: { author: "operator" as const } } : {}),
  ...(message.model && message.usage ? { usage: usageData(message.model, message.usage) } : {}),
  ...(message.error === null ? {} : { error: message.error }),
  ...(message.delivery === null ? {} : { delivery: deliveryData(message.delivery) }),
  ...filesData(message.parts),
  ...citationsData(message.parts),
});

function citationsData(parts: MessagePart[]): { citations?: CitationData[] } {
  const citations = citationsIn(parts);
  return citations.length > 0 ? { citations: citations.map(citationData) } : {};
}

const deliveryData = ({ status, error }: Delivery) => ({ status, ...(error === null ? {} : { error }) });

function filesData(parts: MessagePart[]): { files?: MessageFileData[] } {
  const files = parts.flatMap((part) => (part.type === "file" ? [part] : []));
  if (files.length === 0) return {};
  return {
    files: files.map(({ id, name, mediaType, sizeBytes }) => ({
      id,
      name,
      media_type: mediaType,
      size_bytes: sizeBytes,
    })),
  };
}

type MessageFileData = { id: string; name: string; media_type: string; size_bytes: number };

const usageData = (model: string, usage: NonNullable<Message["usage"]>) => ({
  model,
  input_tokens: usage.inputTokens,
  output_tokens: usage.outputTokens,
});

export const approvalData = (approval: Approval) => ({
  id: approval.id,
  tool_call_id: approval.toolCallId,
  tool_name: approval.toolName,
  args: approval.args,
  requested_from: approval.requestedFrom,
  status: approval.status,
  reason: approval.reason,
  created_at: new Date(approval.createdAt).toISOString(),
});

const LONGEST_BODY = 150_000;
const SHORTENED = 50_000;

/**
 * The body of a delivery, made once: every attempt sends these characters. Of an event that is too large for a receiver to
 * take, long texts are cut, and it says so.
 */
export function webhookBody(id: string, { type, data }: WebhookEvent, at: Date): string {
  const event = { id, type, created_at: at.toISOString(), data };
  const whole = JSON.stringify(event);
  if (whole.length <= LONGEST_BODY) return whole;
  const shortened = JSON.stringify({ ...event, data: { ...data, truncated: true } }, cutText);
  return shortened.length <= LONGEST_BODY ? shortened : JSON.stringify({ ...event, data: idsOf(data) });
}

const cutText = (_key: string, value: unknown) => (typeof value === "string" ? truncate(value, SHORTENED) : value);
const idsOf = (data: object) => ({
  ...Object.fromEntries(Object.entries(data).filter(([, value]) => typeof value !== "object")),
  truncated: true,
});
