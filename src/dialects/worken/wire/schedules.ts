import type { ScheduleRun } from "../../../core/schedules/schedule-state.ts";
import type { ThreadSchedule } from "../../../core/schedules/schedules.ts";
import { type Wire, time, timeOrNull } from "./parts.ts";

export const scheduleView = (schedule: ThreadSchedule): Wire<"Schedule"> => ({
  id: schedule.id,
  thread_id: schedule.threadId,
  kind: schedule.kind,
  status: schedule.status,
  text: schedule.text,
  scheduled_at: time(schedule.dueAt),
  message_id: schedule.messageId,
  cancel_if_reply: schedule.cancelIfReply,
  created_by: schedule.createdBy,
  cron: schedule.recurrence?.cron ?? null,
  time_zone: schedule.recurrence?.timeZone ?? null,
  max_executions: schedule.recurrence?.maxExecutions ?? null,
  missed: schedule.recurrence?.missed ?? null,
  executions: schedule.executions,
  last_run_at: timeOrNull(schedule.lastRunAt),
  reason: schedule.endReason,
  created_at: time(schedule.createdAt),
  updated_at: time(schedule.updatedAt),
});

export const scheduleRunView = (run: ScheduleRun): Wire<"ScheduleRun"> => ({
  scheduled_at: time(run.dueAt),
  ran_at: time(run.ranAt),
  outcome: run.outcome,
  reason: run.reason,
  message_id: run.messageId,
});
