import type { Ctx } from "../context.ts";
import type { JobPort } from "../ports.ts";
import type { Schedule, ScheduleRun } from "./schedule-state.ts";

/** What changed in the schedules of a thread since its last projection. */
export type ScheduleProjection = { schedules: Schedule[]; runs: ScheduleRun[] };

/** What is due within this time is rung for at once; the sweep rings for the rest in good time. */
const SOON_MS = 90_000;
/** The thread has an alarm of its own; the bell comes a little later, and is needed only if that was lost. */
const GRACE_MS = 1000;
const RUNS_KEPT = 100;

/** To be run in one batch with the thread's own projection. Repeatable: an older or equal version is ignored. */
export function scheduleStatements(ctx: Ctx, threadId: string, { schedules, runs }: ScheduleProjection) {
  return [
    ...schedules.map((schedule) => scheduleStatement(ctx, threadId, schedule)),
    ...runs.flatMap((run) => runStatements(ctx, run)),
  ];
}

/** A change of the time makes it ring again. */
const scheduleStatement = (ctx: Ctx, threadId: string, schedule: Schedule) =>
  ctx.db.$client
    .prepare(
      `insert into schedules
         (id, project_id, thread_id, kind, status, text, due_at, message_id, cancel_if_reply, created_by, cron, time_zone,
          max_executions, missed, executions, last_run_at, end_reason, created_at, updated_at, version)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       on conflict (id) do update set
         status = excluded.status, text = excluded.text, due_at = excluded.due_at,
         cancel_if_reply = excluded.cancel_if_reply, cron = excluded.cron, time_zone = excluded.time_zone,
         max_executions = excluded.max_executions, missed = excluded.missed, executions = excluded.executions,
         last_run_at = excluded.last_run_at, end_reason = excluded.end_reason, updated_at = excluded.updated_at,
         version = excluded.version, rung_at = null
       where excluded.version > version`,
    )
    .bind(
      schedule.id,
      ctx.project.id,
      threadId,
      schedule.kind,
      schedule.status,
      schedule.text,
      schedule.dueAt,
      schedule.messageId,
      schedule.cancelIfReply ? 1 : 0,
      schedule.createdBy,
      schedule.recurrence?.cron ?? null,
      schedule.recurrence?.timeZone ?? null,
      schedule.recurrence?.maxExecutions ?? null,
      schedule.recurrence?.missed ?? null,
      schedule.executions,
      schedule.lastRunAt,
      schedule.endReason,
      schedule.createdAt,
      schedule.updatedAt,
      schedule.version,
    );

function runStatements(ctx: Ctx, { scheduleId, dueAt, ranAt, outcome, reason, messageId }: ScheduleRun) {
  const d1 = ctx.db.$client;
  return [
    d1
      .prepare("insert or ignore into schedule_runs values (?, ?, ?, ?, ?, ?)")
      .bind(scheduleId, dueAt, ranAt, outcome, reason, messageId),
    d1
      .prepare(
        `delete from schedule_runs where schedule_id = ?1 and due_at <
         (select due_at from schedule_runs where schedule_id = ?1 order by due_at desc limit 1 offset ${RUNS_KEPT - 1})`,
      )
      .bind(scheduleId),
  ];
}

/** Rings for what is due soon. */
export async function ringSoon(ctx: Ctx, threadId: string, schedules: Schedule[]): Promise<void> {
  const now = ctx.now().getTime();
  const soon = schedules.filter(({ status, dueAt }) => status === "pending" && dueAt - now < SOON_MS);
  const rows = soon.map(({ id, dueAt }) => ({ id, dueAt, threadId, projectId: ctx.project.id }));
  await Promise.all(rows.map((row) => ringFor(ctx.jobs, row, now)));
}

type Row = { id: string; projectId: string; threadId: string; dueAt: number };

export function ringFor(jobs: JobPort, { id, projectId, threadId, dueAt }: Row, now: number): Promise<void> {
  const delaySeconds = Math.max(0, Math.ceil((dueAt + GRACE_MS - now) / 1000));
  return jobs.ring({ kind: "fire-schedule", projectId, threadId, scheduleId: id }, delaySeconds);
}

export const eraseSchedules = (ctx: Ctx, threadId: string) =>
  ["delete from schedule_runs where schedule_id in (select id", "delete from schedules where id in (select id"].map(
    (start) =>
      ctx.db.$client
        .prepare(`${start} from schedules where project_id = ? and thread_id = ?)`)
        .bind(ctx.project.id, threadId),
  );
