import type { LiveEvent } from "../../../core/live-events.ts";
import { type Wire, time } from "./parts.ts";
import { fileCountsView } from "./vector-stores.ts";

export function threadEventView(event: LiveEvent): Wire<"ThreadEvent"> {
  const thread_id = event.threadId;
  switch (event.type) {
    case "message-created":
      return {
        thread_id,
        type: "message_created",
        message_id: event.messageId,
        role: event.role,
        status: event.status,
      };
    case "message-updated":
      return { thread_id, type: "message_updated", message_id: event.messageId, status: event.status };
    case "message-deleted":
      return { thread_id, type: "message_deleted", message_id: event.messageId };
    case "delivery-changed":
      return {
        thread_id,
        type: "delivery_changed",
        message_id: event.messageId,
        status: event.status,
        ...(event.error === null ? {} : { error: event.error }),
      };
    case "integration-auth-lost":
      return { thread_id, type: "integration.auth_lost", integration_id: event.integrationId };
    case "pending-count":
      return { thread_id, type: "pending_count", pending_count: event.pendingCount };
    case "mode-changed":
      return { thread_id, type: "mode_changed", mode: event.mode };
    case "chat-status-changed":
      return {
        thread_id,
        type: "chat_status_changed",
        chat_id: event.chatId,
        status: event.status,
        ...(event.error === null ? {} : { error: event.error }),
      };
    case "title-changed":
      return { thread_id, type: "title_changed", title: event.title };
    case "approval-requested":
      return {
        thread_id,
        type: "approval_requested",
        approval_id: event.approvalId,
        tool_name: event.toolName,
        requested_from: event.requestedFrom,
      };
    case "approval-decided":
      return { thread_id, type: "approval_decided", approval_id: event.approvalId, status: event.status };
    case "document-settled":
      return {
        thread_id,
        type: event.error === null ? "vector_store.file.processed" : "vector_store.file.failed",
        vector_store_id: event.storeId,
        file_id: event.documentId,
        filename: event.filename,
        ...(event.error === null ? {} : { error: event.error }),
        file_counts: fileCountsView(event.counts),
      };
    case "balance-low":
      return { thread_id, type: "billing.balance.low", credits: event.credits, bonus: event.bonus };
    case "webhook-endpoint-disabled":
      return { thread_id, type: "webhook_endpoint_disabled", endpoint_id: event.endpointId, reason: event.reason };
    default:
      return { thread_id, schedule_id: event.scheduleId, ...scheduleEventView(event) };
  }
}

type ScheduleEvent = Extract<LiveEvent, { scheduleId: string }>;

function scheduleEventView(event: ScheduleEvent): Pick<Wire<"ThreadEvent">, "type"> & Partial<Wire<"ThreadEvent">> {
  switch (event.type) {
    case "schedule-created":
      return { type: "schedule_created", scheduled_at: time(event.dueAt) };
    case "schedule-updated":
      return { type: "schedule_updated", scheduled_at: time(event.dueAt), status: event.status };
    case "schedule-fired":
      return { type: "schedule_fired", scheduled_at: time(event.dueAt), message_id: event.messageId };
    case "schedule-skipped":
      return { type: "schedule_skipped", scheduled_at: time(event.dueAt), reason: event.reason ?? "missed" };
    case "schedule-cancelled":
      return { type: "schedule_cancelled", reason: event.reason };
  }
}
