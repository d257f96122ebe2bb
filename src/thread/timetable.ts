import type { BotSettings } from "../core/bot-settings.ts";
import { DomainError, invalid, notFound } from "../core/errors.ts";
import type { ThreadEvent } from "../core/live-events.ts";
import {
  isOpen,
  type EndReason,
  type Schedule,
  type ScheduleChanges,
  type SchedulePlan,
  type ScheduleRun,
} from "../core/schedules/schedule-state.ts";
import { nextOccurrence } from "../core/schedules/schedule-times.ts";
import { ScheduleLog } from "./schedule-log.ts";

const MOST_OPEN = 100;
/** A recurring run that is later than this was missed: nothing ran when it was due. */
const MISSED_AFTER_MS = 60_000;

type Event = ThreadEvent extends infer E ? (E extends ThreadEvent ? Omit<E, "threadId"> : never) : never;
type FollowUp = NonNullable<BotSettings["followUp"]>;
type TimetableOptions = { sql: SqlStorage; now: () => number; newId: () => string; tell: (event: Event) => void };

/** The rules of what is due later in a thread. Like the machine that it belongs to, it is synchronous and knows no clock. */
export class Timetable {
  readonly log: ScheduleLog;
  readonly #options: TimetableOptions;

  constructor(options: TimetableOptions) {
    this.#options = options;
    this.log = new ScheduleLog(options.sql);
  }

  get hasRoom(): boolean {
    return this.log.open().length < MOST_OPEN;
  }

  /** What the bot does if the person stays silent. It follows on its newest words: an earlier one gives way. */
  followUp({ afterMinutes, task, times }: FollowUp, before: number): void {
    const earlier = this.log.open().find(({ followUp }) => followUp !== undefined);
    if (earlier) this.#end(earlier, "cancelled", "replaced");
    if (before >= times || !this.hasRoom) return;
    const dueAt = this.#options.now() + afterMinutes * 60_000;
    const plan = { kind: "task", text: task, dueAt, cancelIfReply: true, createdBy: "bot", recurrence: null } as const;
    this.add({ ...plan, followUp: before + 1 });
  }

  add(plan: SchedulePlan & { id?: string }): Schedule {
    if (!this.hasRoom) {
      throw new DomainError("limit_exceeded", `${MOST_OPEN} schedules are open in this thread`);
    }
    const now = this.#options.now();
    const schedule: Schedule = {
      ...plan,
      id: plan.id ?? this.#options.newId(),
      status: "pending",
      messageId: plan.recurrence ? null : this.#options.newId(),
      executions: 0,
      lastRunAt: null,
      endReason: null,
      createdAt: now,
      updatedAt: now,
      version: 1,
    };
    this.log.save(schedule);
    this.#options.tell({ type: "schedule-created", scheduleId: schedule.id, dueAt: schedule.dueAt });
    return schedule;
  }

  change(id: string, changes: ScheduleChanges): Schedule {
    const schedule = this.#requireOpen(id);
    if (changes.text !== undefined && schedule.kind === "answer") {
      throw invalid("text", "what the person wrote is sent already");
    }
    const most = changes.recurrence?.maxExecutions ?? Infinity;
    if (most <= schedule.executions) throw invalid("max_executions", `it has run ${schedule.executions} times already`);
    const changed = this.#save({ ...schedule, ...changes });
    this.#options.tell({ type: "schedule-updated", scheduleId: id, dueAt: changed.dueAt, status: changed.status });
    return changed;
  }

  /** What is cancelled already stays so; what has happened cannot be cancelled. */
  cancel(id: string): Schedule {
    const schedule = this.#require(id);
    if (schedule.status === "cancelled") return schedule;
    return this.#end(this.#requireOpen(id), "cancelled", "request");
  }

  cancelIfOpen(id: string): void {
    const schedule = this.log.find(id);
    if (schedule && isOpen(schedule)) this.#end(schedule, "cancelled", "request");
  }

  /** Ends all that is open, or of that only what a reply of the person ends. */
  cancelAll(reason: "reply" | "blocked"): void {
    for (const schedule of this.log.open()) {
      if (reason === "blocked" || schedule.cancelIfReply) this.#end(schedule, "cancelled", reason);
    }
  }

  /** A schedule that is due; null where it was changed, or has run, since it was seen to be due. */
  takeDue(id: string): Schedule | null {
    const schedule = this.log.find(id);
    return schedule?.status === "pending" && schedule.dueAt <= this.#options.now() ? schedule : null;
  }

  /** Notes that a due schedule ran, and led to a message; what recurs is planned anew. */
  ran(schedule: Schedule, messageId: string): void {
    const run = this.#run(schedule, { outcome: "fired", reason: null, messageId });
    const { dueAt, ranAt } = run;
    this.#options.tell({ type: "schedule-fired", scheduleId: schedule.id, dueAt, ranAt, messageId });
    const executions = schedule.executions + 1;
    this.#goOn({ ...schedule, executions, lastRunAt: ranAt });
  }

  /** Notes that a due schedule did not run; what happens once does not happen then. */
  skipped(schedule: Schedule, reason: EndReason): void {
    if (!schedule.recurrence) return void this.#end(schedule, "cancelled", reason);
    this.#tellSkipped(this.#run(schedule, { outcome: "skipped", reason, messageId: null }));
    return this.#goOn(schedule);
  }

  /** A recurring run that was due while nothing ran, and is not made up for. */
  isMissed({ recurrence, dueAt }: Schedule): boolean {
    return recurrence?.missed === "skip" && this.#options.now() - dueAt > MISSED_AFTER_MS;
  }

  missed(schedule: Schedule): void {
    this.#tellSkipped(this.#run(schedule, { outcome: "missed", reason: null, messageId: null }));
    this.#goOn(schedule);
  }

  /** Times that have passed meanwhile count as one with the run that was just made. */
  #goOn(schedule: Schedule): void {
    const { recurrence, executions, dueAt } = schedule;
    if (!recurrence || executions === recurrence.maxExecutions)
      return void this.#save({ ...schedule, status: "completed" });
    const next = nextOccurrence(recurrence, Math.max(dueAt, this.#options.now()));
    if (next === null) return void this.#end(schedule, "completed", "no more occurrences");
    return void this.#save({ ...schedule, dueAt: next });
  }

  #run(schedule: Schedule, run: Pick<ScheduleRun, "outcome" | "reason" | "messageId">): ScheduleRun {
    return { scheduleId: schedule.id, dueAt: schedule.dueAt, ranAt: this.#options.now(), ...run };
  }

  #tellSkipped({ scheduleId, dueAt, ranAt, outcome, reason }: ScheduleRun): void {
    const missed = outcome === "missed";
    this.#options.tell({ type: "schedule-skipped", scheduleId, dueAt, ranAt, missed, reason });
  }

  #end(schedule: Schedule, status: "completed" | "cancelled", endReason: EndReason): Schedule {
    const ended = this.#save({ ...schedule, status, endReason });
    if (status === "cancelled") {
      this.#options.tell({ type: "schedule-cancelled", scheduleId: schedule.id, reason: endReason });
    }
    return ended;
  }

  #save(schedule: Schedule): Schedule {
    const saved = { ...schedule, updatedAt: this.#options.now(), version: schedule.version + 1 };
    this.log.save(saved);
    return saved;
  }

  #requireOpen(id: string): Schedule {
    const schedule = this.#require(id);
    if (!isOpen(schedule)) throw new DomainError("conflict", `this schedule is ${schedule.status} already`);
    return schedule;
  }

  #require(id: string): Schedule {
    const schedule = this.log.find(id);
    if (!schedule) throw notFound("schedule", id);
    return schedule;
  }
}
