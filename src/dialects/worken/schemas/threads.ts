import * as z from "zod";
import { ListQuery, Mode, Time } from "./parts.ts";

/** Ids that no path could name, or that another path has taken. */
const UNREACHABLE = new Set([".", "..", "events"]);

export const ThreadId = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,128}$/, "must be 1 to 128 letters, digits or any of . _ : -")
  .refine((id) => !UNREACHABLE.has(id), "cannot be the id of a thread");

export const Thread = z
  .object({
    id: z.string(),
    chat_id: z.string(),
    bot_id: z.string(),
    mode: Mode,
    title: z.string().nullable(),
    last_message_at: Time.nullable(),
    pending_count: z.int(),
    created_at: Time,
  })
  .meta({ id: "Thread" });

export const ThreadDetail = Thread.extend({
  person: z
    .object({
      id: z.string(),
      name: z.string().nullable(),
      avatar_url: z.string().nullable(),
      external_id: z.string().nullable(),
    })
    .nullable(),
  stats: z.object({ messages_total: z.int(), user_messages: z.int(), bot_messages: z.int() }),
  channel: z
    .object({
      integration_id: z.string(),
      external_id: z.string(),
      reachable: z.boolean(),
      can_reply_until: Time.nullable(),
    })
    .optional()
    .meta({ description: "The messenger's conversation, where the thread is one" }),
}).meta({ id: "ThreadDetail" });

export const ThreadQuery = z.object({
  chat_id: z.string().max(128).optional(),
  bot_id: z.string().max(128).optional(),
  search: z.string().max(1000).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(20),
  offset: z.coerce.number().int().min(0).max(10_000).default(0),
  cursor: z.string().max(500).optional(),
});

export const ThreadList = z
  .object({ data: z.array(Thread), next_cursor: z.string().nullable() })
  .meta({ id: "ThreadList" });

export const MessageFile = z
  .object({ id: z.string(), name: z.string(), media_type: z.string(), size_bytes: z.int() })
  .meta({ id: "MessageFile" });

/** A passage that an answer stands on, under the number by which the answer names it. */
export const Citation = z
  .object({
    number: z.int(),
    vector_store_id: z.string(),
    file_id: z.string(),
    filename: z.string(),
    headings: z.array(z.string()),
    place: z.string().nullable(),
    text: z.string(),
    score: z.number(),
  })
  .meta({ id: "Citation" });

export const Message = z
  .object({
    id: z.string(),
    role: z.enum(["user", "assistant", "tool"]),
    content: z.string(),
    created_at: Time,
    status: z.enum(["pending", "streaming", "complete", "interrupted", "failed", "stopped"]),
    metadata: z.object({ author: z.literal("operator") }).optional(),
    usage: z.object({ model: z.string(), input_tokens: z.int(), output_tokens: z.int() }).optional(),
    error: z.string().optional(),
    delivery: z
      .object({ status: z.enum(["waiting", "sent", "failed", "cancelled"]), error: z.string().optional() })
      .optional()
      .meta({ description: "How far it has come on its way to the messenger" }),
    files: z.array(MessageFile).optional(),
    citations: z.array(Citation).optional(),
    /** Of a message that is sent later. */
    scheduled_at: Time.optional(),
    schedule_id: z.string().optional(),
  })
  .meta({ id: "Message" });

export const MessageQuery = ListQuery.extend({
  order: z.enum(["asc", "desc"]).default("asc").meta({ description: "`desc`: the newest first" }),
});

export const SetMode = z.object({ mode: Mode }).meta({ id: "SetMode", example: { mode: "manual" } });

export const ScheduledAt = z.iso.datetime({ offset: true, local: true, message: "must be an ISO 8601 time" });

/** When it is done, and whether a message of the person before that makes it void. */
export const Later = { scheduledAt: ScheduledAt.optional(), cancel_if_reply: z.boolean().optional() };

export const MessageText = z.string().trim().min(1).max(100_000);

export const SendMessage = z
  .object({ text: MessageText, ...Later })
  .meta({ id: "SendMessage", example: { text: "Hello, this is a human." } });

export const WorkingMemory = z.object({ content: z.string().nullable() }).meta({ id: "WorkingMemory" });

export const Approval = z
  .object({
    id: z.string(),
    tool_call_id: z.string(),
    tool_name: z.string(),
    args: z.unknown(),
    requested_from: z.enum(["user", "operator"]),
    status: z.enum(["pending", "approved", "rejected", "expired"]),
    reason: z.string().nullable(),
    created_at: Time,
  })
  .meta({ id: "Approval" });

export const ApprovalList = z
  .object({ data: z.array(Approval), next_cursor: z.string().nullable() })
  .meta({ id: "ApprovalList" });

export const ApprovalQuery = ListQuery.extend({ limit: z.coerce.number().int().min(1).max(1000).default(100) });

export const DecideApproval = z
  .object({ approved: z.boolean(), reason: z.string().max(2000).optional() })
  .meta({ id: "DecideApproval" });
