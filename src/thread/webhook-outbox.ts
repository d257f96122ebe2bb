import type { LiveEvent } from "../core/live-events.ts";
import { approvalData, messageData, type WebhookEvent } from "../core/webhooks/webhook-events.ts";
import { uuidFrom } from "../lib/hash.ts";
import type { ThreadMachine } from "./thread-machine.ts";
import type { ThreadRecord } from "./thread-record.ts";

type Row = { seq: number; events: LiveEvent[] };

/**
 * What those outside are told of rows of the event log. The id of an event follows from its place there, so that a row that
 * is carried out twice is heard once.
 */
export async function webhookEventsOf(
  machine: ThreadMachine,
  record: ThreadRecord,
  rows: Row[],
): Promise<WebhookEvent[]> {
  const raised = rows.flatMap(({ seq, events }) => {
    const told = events.flatMap((event, index) => {
      const found = eventOf(machine, event, isTakeover(events));
      return found ? [{ ...found, id: `${seq}/${index}` }] : [];
    });
    return seq === 1 ? [{ ...createdEvent(record), id: "created" }, ...told] : told;
  });
  const place = `${record.projectId}/${record.id}/${record.createdAt}`;
  return Promise.all(raised.map(async (event) => ({ ...event, id: await uuidFrom(`${place}/${event.id}`) })));
}

const createdEvent = ({ id, chatId, createdAt }: ThreadRecord): WebhookEvent => ({
  type: "thread.created",
  data: { thread_id: id, chat_id: chatId },
  at: new Date(createdAt),
});

const isTakeover = (events: LiveEvent[]) => events.some(({ type }) => type === "mode-changed");

function eventOf(machine: ThreadMachine, event: LiveEvent, takeover: boolean): WebhookEvent | null {
  const thread_id = event.threadId!;
  switch (event.type) {
    case "message-created":
    case "message-updated": {
      const message = machine.messages.find(event.messageId);
      // What a takeover cut off was not said to those outside.
      if (!message || (takeover && event.status === "stopped")) return null;
      const type = event.type === "message-created" ? "thread.message.created" : "thread.message.updated";
      return { type, data: { thread_id, message: messageData(message) }, at: new Date(message.createdAt) };
    }
    case "message-deleted":
      return { type: "thread.message.deleted", data: { thread_id, message_id: event.messageId } };
    case "mode-changed":
      return { type: "thread.mode.changed", data: { thread_id, mode: event.mode } };
    case "chat-status-changed": {
      const { chatId, status, error } = event;
      return { type: "chat.status.changed", data: { chat_id: chatId, status, error } };
    }
    case "approval-requested":
    case "approval-decided": {
      const approval = machine.approvals.find(event.approvalId);
      const type = event.type === "approval-requested" ? "thread.approval.requested" : "thread.approval.decided";
      return approval ? { type, data: { thread_id, approval: approvalData(approval) } } : null;
    }
    default:
      return "scheduleId" in event ? scheduleEventOf(event) : null;
  }
}

function scheduleEventOf(event: Extract<LiveEvent, { scheduleId: string }>): WebhookEvent | null {
  const about = { schedule_id: event.scheduleId, thread_id: event.threadId };
  switch (event.type) {
    case "schedule-created":
      return { type: "schedule.created", data: { ...about, scheduled_at: new Date(event.dueAt).toISOString() } };
    case "schedule-fired":
      return { type: "schedule.fired", data: { ...about, message_id: event.messageId } };
    case "schedule-skipped":
      return { type: "schedule.failed", data: { ...about, error: event.reason ?? "missed" } };
    case "schedule-cancelled":
      return { type: "schedule.cancelled", data: { ...about, reason: event.reason } };
    default:
      return null;
  }
}
