import type { Approval } from "../../../core/approvals.ts";
import type { Conversation } from "../../../core/channels/conversations.ts";
import { WORKING_MEMORY_TOOL, type Message, type MessagePart } from "../../../core/messages.ts";
import type { Person } from "../../../core/people.ts";
import type { Schedule } from "../../../core/schedules/schedule-state.ts";
import type { ThreadState } from "../../../core/thread-state.ts";
import type { Thread } from "../../../core/threads.ts";
import { approvalData, messageData } from "../../../core/webhooks/webhook-events.ts";
import { type Wire, time, timeOrNull } from "./parts.ts";

export const threadView = (thread: Thread | ThreadState): Wire<"Thread"> => ({
  id: thread.id,
  chat_id: thread.chatId,
  bot_id: thread.botId,
  mode: thread.mode,
  title: thread.title,
  last_message_at: timeOrNull(thread.lastMessageAt),
  pending_count: thread.pendingCount,
  created_at: time(thread.createdAt),
});

export const threadDetailView = (
  thread: ThreadState & { person: Person | null; conversation: Conversation | null },
): Wire<"ThreadDetail"> => ({
  ...threadView(thread),
  person: thread.person && {
    id: thread.person.id,
    name: thread.person.name,
    avatar_url: thread.person.avatarUrl,
    external_id: thread.person.externalId,
  },
  stats: {
    messages_total: thread.stats.total,
    user_messages: thread.stats.user,
    bot_messages: thread.stats.bot,
  },
  ...(thread.conversation ? { channel: conversationView(thread.conversation) } : {}),
});

const conversationView = ({ integrationId, chatKey, reachable, canReplyUntil }: Conversation) => ({
  integration_id: integrationId,
  external_id: chatKey,
  reachable,
  can_reply_until: timeOrNull(canReplyUntil),
});

/** A message and, before it, a row for each tool that was used to write it. */
export const messageViews = (message: Message): Wire<"Message">[] => [
  ...message.parts.flatMap((part) => toolView(message, part)),
  messageView(message),
];

/** A receiver of webhooks sees a message, and an approval, as it is listed here. */
export const messageView: (message: Message) => Wire<"Message"> = messageData;
export const approvalView: (approval: Approval) => Wire<"Approval"> = approvalData;

/** An operator's message before its time, in the shape that it will have then. */
export const laterMessageView = (schedule: Schedule): Wire<"Message"> => ({
  id: schedule.messageId!,
  role: "assistant",
  content: schedule.text,
  created_at: time(schedule.createdAt),
  status: "pending",
  metadata: { author: "operator" },
  scheduled_at: time(schedule.dueAt),
  schedule_id: schedule.id,
});

function toolView(message: Message, part: MessagePart): Wire<"Message">[] {
  if (part.type !== "tool-result" || part.toolName === WORKING_MEMORY_TOOL) return [];
  const call = message.parts.find((other) => other.type === "tool-call" && other.toolCallId === part.toolCallId);
  const args = call?.type === "tool-call" ? call.args : null;
  const content = JSON.stringify({ toolName: part.toolName, args, result: part.result });
  return [{ id: part.id, role: "tool", content, created_at: time(message.createdAt), status: "complete" }];
}
