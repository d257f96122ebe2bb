import * as z from "zod";
import { DomainError } from "../core/errors.ts";
import type { Json } from "../core/messages.ts";
import type { Recurrence, Schedule, SchedulePlan } from "../core/schedules/schedule-state.ts";
import { requireFuture, requireRecurrence } from "../core/schedules/schedule-times.ts";
import type { Planning, Tool, TurnControl } from "./tool.ts";

const MOST_OF_A_BOT = 20;
/** A bot that plans from within what it planned must not spin. */
const SOONEST_MS = 60_000;

const Task = z
  .string()
  .trim()
  .min(1)
  .max(10_000)
  .describe("What you shall do or say then, with all you need to know for it: you are shown this text at that time.");

const MessageLater = z.object({
  task: Task,
  at: z.string().optional().describe("The time, in ISO 8601 with its offset. Either this or in_minutes."),
  in_minutes: z.number().min(1).max(527_040).optional(),
  unless_reply: z.boolean().optional().describe("Drop it if the person writes before that. Default: true."),
});

const Recurring = z.object({
  task: Task,
  cron: z.string().max(200).describe("Five fields: minute, hour, day of month, month, day of week (0 is Sunday)."),
  time_zone: z
    .string()
    .max(100)
    .optional()
    .describe("The person's IANA time zone, such as Europe/Berlin. Default: UTC."),
  max_executions: z.int().min(1).max(1_000_000).optional(),
});

const scheduleMessage: Tool = {
  description:
    "Plan a message to this person for later: a reminder, or a follow-up in case they do not answer. At that time you write it.",
  input: MessageLater,
  execute(args, control, planning) {
    const { task, unless_reply = true, ...time } = args as z.output<typeof MessageLater>;
    const dueAt = timeOf(time, planning!.now);
    return plan(
      { kind: "task", text: task, dueAt, cancelIfReply: unless_reply, createdBy: "bot", recurrence: null },
      control,
      planning!,
    );
  },
};

const scheduleRecurringTask: Tool = {
  description: "Plan something that you do in this conversation again and again, such as a daily summary.",
  input: Recurring,
  execute(args, control, planning) {
    const { task, cron, time_zone = "UTC", max_executions = null } = args as z.output<typeof Recurring>;
    const recurrence: Recurrence = { cron, timeZone: time_zone, maxExecutions: max_executions, missed: "once" };
    const dueAt = requireRecurrence(recurrence, new Date(planning!.now));
    return plan(
      { kind: "task", text: task, dueAt, cancelIfReply: false, createdBy: "bot", recurrence },
      control,
      planning!,
    );
  },
};

const listScheduled: Tool = {
  description: "List what you have planned in this conversation.",
  input: z.object({}),
  execute: (_args, control, planning) => ({ scheduled: ownPlans(control, planning!).map(shown) }),
};

const cancelScheduled: Tool = {
  description: "Cancel something that you have planned in this conversation.",
  input: z.object({ id: z.string().max(128) }),
  execute(args, control, planning) {
    const { id } = args as { id: string };
    if (!ownPlans(control, planning!).some((own) => own.id === id))
      throw new DomainError("not_found", `You have planned no ${id}.`);
    control.plans = control.plans.filter((own) => own.id !== id);
    control.cancelledPlans.push(id);
    return { cancelled: true };
  },
};

export const SCHEDULE_TOOLS: Record<string, Tool> = {
  schedule_message: scheduleMessage,
  schedule_recurring_task: scheduleRecurringTask,
  list_scheduled: listScheduled,
  cancel_scheduled: cancelScheduled,
};

type Own = Pick<Schedule, "text" | "dueAt" | "recurrence"> & { id: string };

function ownPlans(control: TurnControl, { schedules }: Planning): Own[] {
  const before = schedules.filter(({ id, createdBy }) => createdBy === "bot" && !control.cancelledPlans.includes(id));
  return [...before, ...control.plans];
}

function plan(wanted: SchedulePlan, control: TurnControl, planning: Planning): Json {
  if (!planning.hasRoom || ownPlans(control, planning).length >= MOST_OF_A_BOT) {
    throw new DomainError("limit_exceeded", "Nothing more can be planned here before something is done or cancelled.");
  }
  const own = { ...wanted, id: planning.newId() };
  control.plans.push(own);
  return shown(own);
}

function timeOf({ at, in_minutes }: { at?: string | undefined; in_minutes?: number | undefined }, now: number): number {
  const time = at === undefined ? now + (in_minutes ?? Number.NaN) * 60_000 : Date.parse(at);
  if (Number.isNaN(time)) throw new DomainError("invalid", "Give the time as `at`, in ISO 8601, or as `in_minutes`.");
  const dueAt = requireFuture(new Date(time), new Date(now), "at");
  if (dueAt === null || dueAt < now + SOONEST_MS) {
    throw new DomainError(
      "invalid",
      `It is ${new Date(now).toISOString()} now; the time must be at least a minute ahead.`,
    );
  }
  return dueAt;
}

const shown = ({ id, text, dueAt, recurrence }: Own) => ({
  id,
  task: text,
  at: new Date(dueAt).toISOString(),
  ...(recurrence ? { cron: recurrence.cron, time_zone: recurrence.timeZone } : {}),
});
