import * as z from "zod";
import { Mode, Time } from "./parts.ts";
import { ThreadId } from "./threads.ts";
import { FileCounts } from "./vector-stores.ts";

export const ThreadEvent = z
  .object({
    thread_id: z.string().nullable().meta({ description: "null: it concerns the project" }),
    type: z.enum([
      "pending_count",
      "mode_changed",
      "title_changed",
      "chat_status_changed",
      "message_created",
      "message_updated",
      "message_deleted",
      "delivery_changed",
      "integration.auth_lost",
      "approval_requested",
      "approval_decided",
      "webhook_endpoint_disabled",
      "schedule_created",
      "schedule_updated",
      "schedule_fired",
      "schedule_skipped",
      "schedule_cancelled",
      "billing.balance.low",
      "vector_store.file.processed",
      "vector_store.file.failed",
    ]),
    pending_count: z.int().optional(),
    mode: Mode.optional(),
    title: z.string().optional(),
    message_id: z.string().optional(),
    role: z.enum(["user", "assistant"]).optional(),
    status: z.string().optional(),
    approval_id: z.string().optional(),
    tool_name: z.string().optional(),
    requested_from: z.enum(["user", "operator"]).optional(),
    integration_id: z.string().optional(),
    chat_id: z.string().optional(),
    error: z.string().optional(),
    endpoint_id: z.string().optional(),
    schedule_id: z.string().optional(),
    scheduled_at: Time.optional(),
    reason: z.string().optional(),
    credits: z.number().optional(),
    bonus: z.number().optional(),
    vector_store_id: z.string().optional(),
    file_id: z.string().optional(),
    filename: z.string().optional(),
    file_counts: FileCounts.optional().meta({ description: "How far the files of the vector store are" }),
  })
  .meta({
    id: "ThreadEvent",
    examples: [
      { thread_id: "thread-1", type: "message_created", message_id: "m1", role: "user", status: "complete" },
      { thread_id: "thread-1", type: "pending_count", pending_count: 1 },
    ],
  });

export const CreateTicket = z.object({ thread_id: ThreadId.optional() }).meta({ id: "CreateTicket" });
export const Ticket = z.object({ ticket: z.string(), expires_at: Time }).meta({ id: "Ticket" });
