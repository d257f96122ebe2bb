import * as z from "zod";
import { ListQuery, Time } from "./parts.ts";
import { Later, MessageText, ScheduledAt } from "./threads.ts";

const ScheduleStatus = z.enum(["pending", "paused", "completed", "cancelled"]);
const Missed = z.enum(["skip", "once"]);

export const Schedule = z
  .object({
    id: z.string(),
    thread_id: z.string(),
    kind: z.enum(["answer", "send", "task"]),
    status: ScheduleStatus,
    text: z.string(),
    /** The next time; where none comes any more, the last that was planned. */
    scheduled_at: Time,
    message_id: z.string().nullable(),
    cancel_if_reply: z.boolean(),
    created_by: z.enum(["person", "operator", "bot"]),
    cron: z.string().nullable(),
    time_zone: z.string().nullable(),
    max_executions: z.int().nullable(),
    missed: Missed.nullable(),
    executions: z.int(),
    last_run_at: Time.nullable(),
    /** Why it was cancelled, or why it recurs no more. */
    reason: z.string().nullable(),
    created_at: Time,
    updated_at: Time,
  })
  .meta({ id: "Schedule" });

export const ScheduleList = z
  .object({ data: z.array(Schedule), next_cursor: z.string().nullable() })
  .meta({ id: "ScheduleList" });

export const ScheduleQuery = z.object({
  status: z
    .enum(["open", "all", ...ScheduleStatus.options])
    .default("open")
    .meta({ description: "`open`: pending or paused" }),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(500).optional(),
});

const Cron = z.string().trim().min(1).max(200);
const TimeZone = z.string().min(1).max(100);
const MaxExecutions = z.int().min(1).max(1_000_000);

/** `text` is sent as an operator's message; `task` is what the bot is to do. Once at `scheduledAt`, or again and again by `cron`. */
export const CreateSchedule = z
  .object({
    text: MessageText.optional(),
    task: z.string().trim().min(1).max(10_000).optional(),
    ...Later,
    cron: Cron.optional(),
    time_zone: TimeZone.optional(),
    max_executions: MaxExecutions.nullish(),
    missed: Missed.optional(),
  })
  .refine(({ text, task }) => (text === undefined) !== (task === undefined), {
    path: ["text"],
    message: "either text or task is needed",
  })
  .refine(({ scheduledAt, cron }) => (scheduledAt === undefined) !== (cron === undefined), {
    path: ["scheduledAt"],
    message: "either scheduledAt or cron is needed",
  })
  .refine(
    ({ cron, ...others }) =>
      cron !== undefined || (others.time_zone ?? others.max_executions ?? others.missed) === undefined,
    {
      path: ["cron"],
      message: "is needed for what recurs",
    },
  )
  .meta({
    id: "CreateSchedule",
    example: { task: "Say what is new.", cron: "0 9 * * 1", time_zone: "Europe/Berlin" },
  });

export const UpdateSchedule = z
  .object({
    text: MessageText.optional(),
    scheduledAt: ScheduledAt.optional(),
    cancel_if_reply: z.boolean().optional(),
    cron: Cron.optional(),
    time_zone: TimeZone.optional(),
    max_executions: MaxExecutions.nullable().optional(),
    missed: Missed.optional(),
    status: z.enum(["pending", "paused"]).optional(),
  })
  .meta({ id: "UpdateSchedule" });

export const ScheduleRun = z
  .object({
    scheduled_at: Time,
    ran_at: Time,
    outcome: z.enum(["fired", "skipped", "missed"]),
    reason: z.string().nullable(),
    message_id: z.string().nullable(),
  })
  .meta({ id: "ScheduleRun" });

export const RunQuery = ListQuery.extend({ limit: z.coerce.number().int().min(1).max(100).default(100) });

export const ScheduleRunList = z
  .object({ data: z.array(ScheduleRun), next_cursor: z.string().nullable() })
  .meta({ id: "ScheduleRunList" });
