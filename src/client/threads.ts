import { path, type CallOptions, type Connection } from "./connection.ts";
import { liveEvents, type EventsOptions } from "./live-events.ts";
import type {
  Approval,
  ApprovalList,
  ApprovalQuery,
  CreateSchedule,
  CreateTicket,
  DecideApproval,
  Message,
  Mode,
  Schedule,
  ScheduleList,
  ScheduleQuery,
  SendMessage,
  SetMode,
  ThreadDetail,
  ThreadList,
  ThreadQuery,
  Ticket,
  WorkingMemory,
} from "./types.ts";

/** The threads of the whole project, in all its chats. */
export const threads = (connection: Connection) => ({
  /** Newest first. */
  list: (query?: ThreadQuery, options?: CallOptions) => connection.list<ThreadList>("/threads", query, options),
  get: (threadId: string, options?: CallOptions) => connection.get<ThreadDetail>(path`/threads/${threadId}`, options),
  /** Sends an operator's message; the thread must be in `manual` mode. */
  send: (threadId: string, message: SendMessage, options?: CallOptions) =>
    connection.post<Message>(path`/threads/${threadId}/send`, message, options),
  memory: (threadId: string, options?: CallOptions) =>
    connection.get<WorkingMemory>(path`/threads/${threadId}/memory`, options),

  async setMode(threadId: string, mode: Mode, options?: CallOptions): Promise<SetMode> {
    const { chat_id } = await connection.get<ThreadDetail>(path`/threads/${threadId}`, options);
    return connection.post<SetMode>(path`/chats/${chat_id}/threads/${threadId}/mode`, { mode }, options);
  },

  /** What happens in one thread, or in all of the project, as it happens. */
  events: (threadId?: string, options?: EventsOptions) =>
    liveEvents(connection, threadId === undefined ? "/threads/events" : path`/threads/events/${threadId}`, options),

  schedules: {
    /** What is pending or paused, unless `status` says otherwise. */
    list: (threadId: string, query?: ScheduleQuery, options?: CallOptions) =>
      connection.list<ScheduleList>(path`/threads/${threadId}/schedules`, query, options),
    create: (threadId: string, schedule: CreateSchedule, options?: CallOptions) =>
      connection.post<Schedule>(path`/threads/${threadId}/schedules`, schedule, options),
  },

  approvals: {
    list: (threadId: string, query?: ApprovalQuery, options?: CallOptions) =>
      connection.list<ApprovalList>(path`/threads/${threadId}/approvals`, query, options),
    decide: (threadId: string, approvalId: string, decision: DecideApproval, options?: CallOptions) =>
      connection.post<Approval>(path`/threads/${threadId}/approvals/${approvalId}`, decision, options),
  },

  tickets: {
    /** Lets a browser's EventSource listen without a key. */
    create: (ticket: CreateTicket = {}, options?: CallOptions) =>
      connection.post<Ticket>("/threads/events/tickets", ticket, options),
  },
});
