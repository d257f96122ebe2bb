import type { Ctx } from "../core/context.ts";
import type { LiveEvent } from "../core/live-events.ts";
import { EventLog, numbered } from "../lib/event-log.ts";
import { Listeners } from "../lib/listeners.ts";
import { waitAtMost } from "../lib/time.ts";
import { openContext } from "../runtime/context.ts";
import type { Env } from "../runtime/env.ts";
import { Alarm } from "./alarm.ts";
import { Outbox, type Reach } from "./outbox.ts";
import { SCHEMA } from "./schema.ts";
import type { Transition } from "./thread-book.ts";
import { ThreadMachine } from "./thread-machine.ts";
import type { ThreadRecord } from "./thread-record.ts";

const EVENTS_KEPT = 500;
/** The object looks after itself this often while anything is unfinished: it stays in memory, and a crash is noticed. */
const WATCH_MS = 20_000;
/** How long a caller waits for the lists and the search to know what it has done. */
const READ_YOUR_WRITES_MS = 500;
/** Shorter than an idle object is kept in memory. */
const WAKE_AHEAD_MS = 6000;
const LONGEST_RETRY_MS = 60_000;

/** What is stored of one thread, and how a change of it becomes known: first stored, then published. */
export class ThreadStore {
  readonly machine: ThreadMachine;
  readonly alarm: Alarm;
  readonly #state: DurableObjectState;
  readonly #env: Env;
  readonly #log: EventLog<LiveEvent>;
  readonly #listeners: Listeners;
  readonly #outbox: Outbox;
  #hasTables: boolean;
  #failures = 0;
  #duePostponed = 0;
  #context: Ctx | null = null;

  constructor(state: DurableObjectState, env: Env) {
    const { sql } = state.storage;
    this.#state = state;
    this.#env = env;
    this.alarm = new Alarm(state.storage, () => this.#nextDue);
    this.#log = new EventLog(sql, EVENTS_KEPT);
    this.#listeners = new Listeners(state);
    this.machine = new ThreadMachine({ sql, now: () => Date.now(), newId: () => this.context.newId() });
    this.#outbox = new Outbox({ machine: this.machine, log: this.#log, context: () => this.context });
    this.#hasTables = sql.exec("select 1 from sqlite_master where name = 'thread'").toArray().length > 0;
  }

  /** Null: nothing was ever written here. */
  get record(): ThreadRecord | null {
    return this.#hasTables ? this.machine.record : null;
  }

  /** The core's context for this thread's project; only once the thread is known. */
  get context(): Ctx {
    this.#context ??= this.identify(this.record!.projectId);
    return this.#context;
  }

  identify(projectId: string): Ctx {
    const defer = (work: Promise<unknown>) => this.#state.waitUntil(work);
    this.#context ??= openContext(this.#env, { id: projectId }, { actor: { type: "system", job: "thread" }, defer });
    return this.#context;
  }

  createTables(): void {
    if (this.#hasTables) return;
    this.#state.storage.transactionSync(() => {
      this.#state.storage.sql.exec(SCHEMA);
      this.#log.createTable();
    });
    this.#hasTables = true;
  }

  /** Runs one transition of the machine with its events in one transaction, then tells the listeners. */
  transact<T>(run: () => T): { value: T; closed: string[] } {
    const { value, events, closed, seq } = this.#transaction(run);
    if (seq !== null) this.#listeners.publish(JSON.stringify(numbered(seq, events)));
    if (seq !== null || this.machine.bills.length > 0) this.watch();
    return { value, closed };
  }

  #transaction<T>(run: () => T): Transition<T> & { seq: number | null } {
    try {
      return this.#state.storage.transactionSync(() => {
        const done = this.machine.transition(run);
        return { ...done, seq: done.events.length > 0 ? this.#log.append(done.events) : null };
      });
    } catch (error) {
      this.machine.reread();
      throw error;
    }
  }

  /** Brings those outside up to date; a failure is tried again by alarm. Never rejects. */
  async flush(reach: Reach): Promise<void> {
    try {
      await this.#outbox.flush(reach);
      this.#failures = 0;
      this.#rest();
    } catch (error) {
      console.error("outbox", error);
      this.#failures += 1;
      this.alarm.arm(Date.now() + Math.min(1000 * 2 ** this.#failures, LONGEST_RETRY_MS));
    }
  }

  /** The same, but a caller is not kept waiting by a slow database. */
  async flushSoon(reach: Reach = "all"): Promise<void> {
    await waitAtMost(READ_YOUR_WRITES_MS, this.flush(reach));
  }

  /** Sees to it that the object is woken, should it be lost while something is unfinished. */
  watch(): void {
    this.alarm.arm(Date.now() + WATCH_MS);
  }

  /** A thread in which nothing is unfinished need not be woken. */
  #rest(): void {
    const { record } = this;
    const isFinished = record && record.openTurns.length === 0 && !record.erased && !this.isBehind;
    if (!isFinished || !this.alarm.isArmed) return;
    void this.alarm.disarm();
    this.watchDue();
  }

  /**
   * When something is due, or a little before that; never: Infinity. Many objects cannot be woken in one second, but many
   * that are awake can act in it: each is woken ahead at a moment of its own, and again on time.
   */
  get #nextDue(): number {
    const due = this.#hasTables ? this.machine.timetable.log.nextDue : null;
    if (due === null) return Infinity;
    const at = Math.max(due, this.#duePostponed);
    return at - Date.now() > WAKE_AHEAD_MS ? at - WAKE_AHEAD_MS * Math.random() : at;
  }

  /** The alarm rings for what is due in any case; it has to be armed where nothing else arms it. */
  watchDue(): void {
    this.alarm.arm(Infinity);
  }

  /** What is due cannot be done before this time. */
  postponeDue(until: number): void {
    this.#duePostponed = until;
    this.watchDue();
  }

  get isBehind(): boolean {
    return this.#outbox.isBehind;
  }

  listen(after: string | null): Response {
    return this.#listeners.accept(JSON.stringify(this.#log.backlog(after)));
  }

  /** Removes the traces of an erased thread elsewhere, and then the last of it here. Repeatable until it succeeds. */
  async forget(erase: (ctx: Ctx) => Promise<void>): Promise<void> {
    this.watch();
    await this.#outbox.settled();
    await this.#outbox.settleBills();
    await erase(this.context);
    this.#listeners.close();
    await this.alarm.disarm();
    await this.#state.storage.deleteAll();
    this.machine.reread();
    this.#hasTables = false;
  }
}
