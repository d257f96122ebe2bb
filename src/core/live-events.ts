import type { Delivery } from "./messages.ts";
import type { EndReason, ScheduleStatus } from "./schedules/schedule-state.ts";
import type { Mode } from "./thread-state.ts";

/** What those who watch a thread or a project are told as it happens. */
export type LiveEvent = ThreadEvent | ProjectEvent;

export type ThreadEvent = { threadId: string } & (
  | { type: "message-created"; messageId: string; role: "user" | "assistant"; status: string }
  | { type: "message-updated"; messageId: string; status: string }
  /** It was taken back: another answer was wanted, or the person said something else. */
  | { type: "message-deleted"; messageId: string; seq: number }
  | { type: "delivery-changed"; messageId: string; status: Delivery["status"]; error: string | null }
  | { type: "pending-count"; pendingCount: number }
  | { type: "mode-changed"; mode: Mode }
  | { type: "title-changed"; title: string }
  /** A messenger's bot could not answer, or can again. */
  | { type: "chat-status-changed"; chatId: string; status: "active" | "error"; error: string | null }
  | { type: "approval-requested"; approvalId: string; toolName: string; requestedFrom: "user" | "operator" }
  | { type: "approval-decided"; approvalId: string; status: "approved" | "rejected" | "expired" }
  | { type: "schedule-created"; scheduleId: string; dueAt: number }
  | { type: "schedule-updated"; scheduleId: string; dueAt: number; status: ScheduleStatus }
  | { type: "schedule-fired"; scheduleId: string; dueAt: number; ranAt: number; messageId: string }
  | {
      type: "schedule-skipped";
      scheduleId: string;
      dueAt: number;
      ranAt: number;
      missed: boolean;
      reason: EndReason | null;
    }
  | { type: "schedule-cancelled"; scheduleId: string; reason: EndReason }
);

/** What concerns no thread. */
type ProjectEvent = { threadId: null } & (
  | { type: "integration-auth-lost"; integrationId: string }
  | {
      type: "document-settled";
      storeId: string;
      documentId: string;
      filename: string;
      /** Null: it is read, and found. */
      error: string | null;
      /** How many documents of the store are how far. */
      counts: { pending: number; processed: number; error: number; cancelled: number };
    }
  | { type: "balance-low"; credits: number; bonus: number }
  | { type: "webhook-endpoint-disabled"; endpointId: string; reason: "failing" | "gone" }
);
