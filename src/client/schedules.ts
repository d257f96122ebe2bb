import { path, type CallOptions, type Connection } from "./connection.ts";
import type {
  Deleted,
  RunQuery,
  Schedule,
  ScheduleList,
  ScheduleQuery,
  ScheduleRunList,
  UpdateSchedule,
} from "./types.ts";

/** What is due later, in all threads. */
export const schedules = (connection: Connection) => ({
  /** What is pending or paused, unless `status` says otherwise. */
  list: (query?: ScheduleQuery, options?: CallOptions) => connection.list<ScheduleList>("/schedules", query, options),
  get: (scheduleId: string, options?: CallOptions) => connection.get<Schedule>(path`/schedules/${scheduleId}`, options),
  update: (scheduleId: string, changes: UpdateSchedule, options?: CallOptions) =>
    connection.patch<Schedule>(path`/schedules/${scheduleId}`, changes, options),
  cancel: (scheduleId: string, options?: CallOptions) =>
    connection.delete<Deleted>(path`/schedules/${scheduleId}`, options),
  /** Newest first; the last hundred. */
  runs: (scheduleId: string, query?: RunQuery, options?: CallOptions) =>
    connection.list<ScheduleRunList>(path`/schedules/${scheduleId}/runs`, query, options),
});
