import { and, asc, desc, eq, inArray, lt } from "drizzle-orm";
import { scheduleRuns, schedules } from "../../db/schema.ts";
import type { Ctx } from "../context.ts";
import { invalid, notFound } from "../errors.ts";
import { afterCursor, pageByCreation, pageOf, readPosition, type Page, type PageRequest } from "../pages.ts";
import type {
  Recurrence,
  Schedule,
  ScheduleChanges,
  SchedulePlan,
  ScheduleRun,
  ScheduleStatus,
} from "./schedule-state.ts";
import { requireRoom } from "./schedule-room.ts";
import { nextOccurrence, requireFuture, requireRecurrence } from "./schedule-times.ts";
import { requireThread } from "../threads.ts";

export type ThreadSchedule = Schedule & { threadId: string };

/** When a plan is due: at a time, or again and again. */
export type When = { at: Date } | { recurrence: Recurrence };

/** Oldest first: those of the project, or of one thread. */
export async function listSchedules(
  ctx: Ctx,
  filter: { threadId?: string; statuses: readonly ScheduleStatus[] },
  page: PageRequest,
): Promise<Page<ThreadSchedule>> {
  if (filter.threadId) await requireThread(ctx, filter.threadId);
  const rows = await ctx.db
    .select()
    .from(schedules)
    .where(
      and(
        eq(schedules.projectId, ctx.project.id),
        filter.threadId ? eq(schedules.threadId, filter.threadId) : undefined,
        inArray(schedules.status, [...filter.statuses]),
        afterCursor(page.cursor, schedules),
      ),
    )
    .orderBy(asc(schedules.createdAt), asc(schedules.id))
    .limit(page.limit + 1);
  const { items, next } = pageByCreation(rows, page.limit);
  return { items: items.map(scheduleOf), next };
}

/** Another project's schedule is reported exactly like one that does not exist. */
export async function getSchedule(ctx: Ctx, id: string): Promise<ThreadSchedule> {
  const row = await ctx.db.query.schedules.findFirst({
    where: and(eq(schedules.id, id), eq(schedules.projectId, ctx.project.id)),
  });
  if (!row) throw notFound("schedule", id);
  return scheduleOf(row);
}

/** Newest first; the last hundred. */
export async function listRuns(ctx: Ctx, id: string, page: PageRequest): Promise<Page<ScheduleRun>> {
  await getSchedule(ctx, id);
  const before = page.cursor ? new Date(readPosition(page.cursor).at) : undefined;
  const rows = await ctx.db
    .select()
    .from(scheduleRuns)
    .where(and(eq(scheduleRuns.scheduleId, id), before && lt(scheduleRuns.dueAt, before)))
    .orderBy(desc(scheduleRuns.dueAt))
    .limit(page.limit + 1);
  const { items, next } = pageOf(rows, page.limit, ({ dueAt }) => ({ at: dueAt.getTime(), id }));
  return {
    items: items.map((run) => ({ ...run, dueAt: run.dueAt.getTime(), ranAt: run.ranAt.getTime() }) as ScheduleRun),
    next,
  };
}

/** Plans something in a thread. A time that has come already is due at once. */
export async function createSchedule(
  ctx: Ctx,
  threadId: string,
  plan: Omit<SchedulePlan, "dueAt" | "recurrence"> & { when: When },
): Promise<ThreadSchedule> {
  const { when, ...rest } = plan;
  await requireThread(ctx, threadId);
  const recurrence = "recurrence" in when ? when.recurrence : null;
  await requireRoom(ctx, recurrence ? "recurring" : "once");
  const dueAt = "at" in when ? whenDue(ctx, when.at) : requireRecurrence(when.recurrence, ctx.now());
  const { once } = ctx;
  const key = once && { key: once.key, requestHash: once.requestHash };
  const schedule = await ctx.thread(threadId).schedule({ ...rest, dueAt, recurrence }, key);
  return { ...schedule, threadId };
}

export type ScheduleUpdate = {
  text?: string;
  at?: Date;
  cancelIfReply?: boolean;
  recurrence?: Partial<Recurrence>;
  status?: "pending" | "paused";
};

export async function updateSchedule(ctx: Ctx, id: string, update: ScheduleUpdate): Promise<ThreadSchedule> {
  const schedule = await getSchedule(ctx, id);
  const { threadId } = schedule;
  const changed = await ctx.thread(threadId).changeSchedule(id, changesOf(ctx, schedule, update));
  return { ...changed, threadId };
}

function changesOf(ctx: Ctx, schedule: Schedule, update: ScheduleUpdate): ScheduleChanges {
  const { text, cancelIfReply, status } = update;
  const times = schedule.recurrence
    ? recurringTimes(ctx, { ...schedule, recurrence: schedule.recurrence }, update)
    : onceTimes(ctx, update);
  const changes = { text, cancelIfReply, status, ...times };
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

function onceTimes(ctx: Ctx, { at, recurrence }: ScheduleUpdate): ScheduleChanges {
  if (recurrence && Object.values(recurrence).some((value) => value !== undefined)) {
    throw invalid(recurrence.cron ? "cron" : "recurrence", "this schedule happens once");
  }
  return at ? { dueAt: whenDue(ctx, at) } : {};
}

/** What recurs goes on from now, also where it was paused: what was due meanwhile is not made up for. */
function recurringTimes(
  ctx: Ctx,
  schedule: Schedule & { recurrence: Recurrence },
  { at, recurrence, status }: ScheduleUpdate,
): ScheduleChanges {
  if (at) throw invalid("scheduledAt", "this schedule recurs: change its cron expression");
  const given = Object.entries(recurrence ?? {}).filter(([, value]) => value !== undefined);
  const changed: Recurrence = { ...schedule.recurrence, ...Object.fromEntries(given) };
  if (recurrence?.cron || recurrence?.timeZone)
    return { recurrence: changed, dueAt: requireRecurrence(changed, ctx.now()) };
  const resumed = status === "pending" && schedule.status === "paused";
  const next = resumed ? nextOccurrence(changed, ctx.now().getTime()) : null;
  return { ...(given.length > 0 ? { recurrence: changed } : {}), ...(next === null ? {} : { dueAt: next }) };
}

export async function cancelSchedule(ctx: Ctx, id: string): Promise<void> {
  const { threadId } = await getSchedule(ctx, id);
  await ctx.thread(threadId).cancelSchedule(id);
}

/** Has a thread do what is due in it. A row that the thread does not know of any more is what a deletion left behind. */
export async function fireSchedule(ctx: Ctx, job: { threadId: string; scheduleId: string }): Promise<void> {
  const row = await ctx.db.query.schedules.findFirst({
    where: and(eq(schedules.id, job.scheduleId), eq(schedules.projectId, ctx.project.id)),
  });
  if (row?.status !== "pending") return;
  const known = await ctx.thread(job.threadId).fireSchedule(row.id);
  if (!known) await ctx.db.delete(schedules).where(eq(schedules.id, row.id));
}

/** The time at which a plan is due; what is past is due now. */
const whenDue = (ctx: Ctx, at: Date): number => requireFuture(at, ctx.now(), "scheduledAt") ?? ctx.now().getTime();

const scheduleOf = (row: typeof schedules.$inferSelect): ThreadSchedule => ({
  id: row.id,
  threadId: row.threadId,
  kind: row.kind,
  status: row.status,
  text: row.text,
  dueAt: row.dueAt.getTime(),
  messageId: row.messageId,
  cancelIfReply: row.cancelIfReply,
  createdBy: row.createdBy,
  recurrence:
    row.cron === null
      ? null
      : { cron: row.cron, timeZone: row.timeZone!, maxExecutions: row.maxExecutions, missed: row.missed! },
  executions: row.executions,
  lastRunAt: row.lastRunAt?.getTime() ?? null,
  endReason: row.endReason as Schedule["endReason"],
  createdAt: row.createdAt.getTime(),
  updatedAt: row.updatedAt.getTime(),
  version: row.version,
});
