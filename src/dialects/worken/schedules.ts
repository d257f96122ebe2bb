import * as z from "zod";
import type { Recurrence, ScheduleStatus } from "../../core/schedules/schedule-state.ts";
import {
  cancelSchedule,
  createSchedule,
  getSchedule,
  listRuns,
  listSchedules,
  updateSchedule,
} from "../../core/schedules/schedules.ts";
import type { Api } from "../../http/route.ts";
import {
  CreateSchedule,
  Deleted,
  RunQuery,
  Schedule,
  ScheduleList,
  ScheduleQuery,
  ScheduleRunList,
  ThreadId,
  UpdateSchedule,
} from "./schemas.ts";
import { scheduleRunView, scheduleView } from "./wire.ts";

const InThread = z.object({ thread_id: ThreadId });
const Id = z.object({ schedule_id: z.string().max(128) });

const STATUSES: Record<z.output<typeof ScheduleQuery>["status"], ScheduleStatus[]> = {
  open: ["pending", "paused"],
  all: ["pending", "paused", "completed", "cancelled"],
  pending: ["pending"],
  paused: ["paused"],
  completed: ["completed"],
  cancelled: ["cancelled"],
};

type Wanted = z.output<typeof CreateSchedule>;
type Update = z.output<typeof UpdateSchedule>;

export const schedules = (api: Api) =>
  api
    .on(
      "get",
      "/schedules",
      { summary: "List what is due later in all threads", query: ScheduleQuery, ok: ScheduleList },
      async ({ ctx, query: { status, ...page } }) => {
        const { items, next } = await listSchedules(ctx, { statuses: STATUSES[status] }, page);
        return { data: items.map(scheduleView), next_cursor: next };
      },
    )
    .on(
      "get",
      "/threads/:thread_id/schedules",
      { summary: "List what is due later in a thread", params: InThread, query: ScheduleQuery, ok: ScheduleList },
      async ({ ctx, params, query: { status, ...page } }) => {
        const filter = { threadId: params.thread_id, statuses: STATUSES[status] };
        const { items, next } = await listSchedules(ctx, filter, page);
        return { data: items.map(scheduleView), next_cursor: next };
      },
    )
    .on(
      "post",
      "/threads/:thread_id/schedules",
      {
        summary: "Plan something in a thread",
        description:
          "`text` is sent as an operator's message, for which the thread must be in `manual` mode now; `task` is what the bot is to do then. Once at `scheduledAt`, or again and again by a `cron` expression of five fields in a `time_zone` (default UTC). `missed` says what becomes of runs that were due while the server was down: `once` (default) makes up for all of them with one, `skip` leaves them out.",
        params: InThread,
        json: CreateSchedule,
        ok: Schedule,
        once: "thread",
      },
      async ({ ctx, params, json }) => scheduleView(await createSchedule(ctx, params.thread_id, planFrom(json))),
    )
    .on(
      "get",
      "/schedules/:schedule_id",
      { summary: "Get a schedule", params: Id, ok: Schedule },
      async ({ ctx, params }) => scheduleView(await getSchedule(ctx, params.schedule_id)),
    )
    .on(
      "patch",
      "/schedules/:schedule_id",
      {
        summary: "Change, pause or resume a schedule",
        description: "Only what is pending or paused can be changed.",
        params: Id,
        json: UpdateSchedule,
        ok: Schedule,
      },
      async ({ ctx, params, json }) => scheduleView(await updateSchedule(ctx, params.schedule_id, updateFrom(json))),
    )
    .on(
      "delete",
      "/schedules/:schedule_id",
      { summary: "Cancel a schedule", params: Id, ok: Deleted },
      async ({ ctx, params }) => {
        await cancelSchedule(ctx, params.schedule_id);
        return { id: params.schedule_id, deleted: true as const };
      },
    )
    .on(
      "get",
      "/schedules/:schedule_id/runs",
      {
        summary: "List the last runs of a schedule",
        description: "Newest first; the last hundred are kept.",
        params: Id,
        query: RunQuery,
        ok: ScheduleRunList,
      },
      async ({ ctx, params, query }) => {
        const { items, next } = await listRuns(ctx, params.schedule_id, query);
        return { data: items.map(scheduleRunView), next_cursor: next };
      },
    );

const planFrom = (json: Wanted) => ({
  kind: json.text === undefined ? ("task" as const) : ("send" as const),
  text: json.text ?? json.task!,
  when: json.cron === undefined ? { at: new Date(json.scheduledAt!) } : { recurrence: recurrenceFrom(json, json.cron) },
  cancelIfReply: json.cancel_if_reply ?? false,
  createdBy: "operator" as const,
});

const recurrenceFrom = (json: Wanted, cron: string): Recurrence => ({
  cron,
  timeZone: json.time_zone ?? "UTC",
  maxExecutions: json.max_executions ?? null,
  missed: json.missed ?? "once",
});

const updateFrom = (json: Update) => ({
  text: json.text,
  at: json.scheduledAt === undefined ? undefined : new Date(json.scheduledAt),
  cancelIfReply: json.cancel_if_reply,
  recurrence: {
    cron: json.cron,
    timeZone: json.time_zone,
    maxExecutions: json.max_executions,
    missed: json.missed,
  },
  status: json.status,
});
