import type { MISSED_RUNS, SCHEDULE_KINDS, SCHEDULE_STATUSES } from "../../db/schema.ts";

/** `answer`: the bot answers what a person wrote; `send`: an operator's message; `task`: the bot does what it is told. */
type ScheduleKind = (typeof SCHEDULE_KINDS)[number];
export type ScheduleStatus = (typeof SCHEDULE_STATUSES)[number];

export type Recurrence = {
  cron: string;
  /** An IANA name, such as `Europe/Berlin`. */
  timeZone: string;
  maxExecutions: number | null;
  /** What becomes of runs that were due while nothing ran: nothing, or one run for all of them. */
  missed: (typeof MISSED_RUNS)[number];
};

/** Why a schedule ended before its time, or did not run when it was due. */
export type EndReason =
  | "request"
  | "reply"
  | "blocked"
  | "mode"
  | "inactive"
  | "running"
  | "replaced"
  | "no more occurrences";

/** Something that is due later in a thread, as its object knows it. Times are milliseconds. */
export type Schedule = {
  id: string;
  kind: ScheduleKind;
  status: ScheduleStatus;
  /** What the person wrote, what is sent, or what the bot is to do. */
  text: string;
  /** The next time, where it is pending; else the last that was planned. */
  dueAt: number;
  /** The message that it leads to, chosen when it was made; null for what recurs. */
  messageId: string | null;
  /** A message of the person ends it. */
  cancelIfReply: boolean;
  createdBy: "person" | "operator" | "bot";
  /** Null: it happens once. */
  recurrence: Recurrence | null;
  executions: number;
  lastRunAt: number | null;
  endReason: EndReason | null;
  /** How many follow-ups on the person's silence this makes in a row; absent: it is none. */
  followUp?: number;
  createdAt: number;
  updatedAt: number;
  /** Grows with every change. */
  version: number;
};

/** What is asked for; the rest follows. */
export type SchedulePlan = Pick<
  Schedule,
  "kind" | "text" | "dueAt" | "cancelIfReply" | "createdBy" | "recurrence" | "followUp"
>;

/** What can still be changed of a schedule; absent: stays. */
export type ScheduleChanges = Partial<Pick<Schedule, "text" | "dueAt" | "cancelIfReply" | "recurrence">> & {
  status?: "pending" | "paused";
};

/** One time at which a schedule was due, and what came of it. */
export type ScheduleRun = {
  scheduleId: string;
  dueAt: number;
  ranAt: number;
  outcome: "fired" | "skipped" | "missed";
  reason: EndReason | null;
  messageId: string | null;
};

export const isOpen = ({ status }: Pick<Schedule, "status">) => status === "pending" || status === "paused";

/** What a bot is told of a schedule when it is due. */
export type Due = { scheduleId: string; kind: ScheduleKind; text: string; plannedAt: number; followUp?: number };
