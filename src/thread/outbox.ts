import type { Ctx } from "../core/context.ts";
import { hourOf } from "../core/chat-settings.ts";
import type { LiveEvent } from "../core/live-events.ts";
import { textOf } from "../core/messages.ts";
import type { Settlement } from "../core/ports.ts";
import { ringForSends, sendStatement } from "../core/channels/channel-sends.ts";
import { recallStatement, ringForRecall } from "../core/recall/recall-queue.ts";
import { listThread, projectThread } from "../core/thread-projection.ts";
import { ringSoon, scheduleStatements, type ScheduleProjection } from "../core/schedules/schedule-projection.ts";
import type { ScheduleRun } from "../core/schedules/schedule-state.ts";
import { ringIfLow } from "../core/billing/balance-alerts.ts";
import { chatStatusStatements } from "../core/chat-failures.ts";
import { chargeStatements } from "../core/billing/model-calls.ts";
import type { EventLog } from "../lib/event-log.ts";
import { webhookEventsOf } from "./webhook-outbox.ts";
import type { LoggedMessage } from "./message-log.ts";
import type { ThreadMachine } from "./thread-machine.ts";
import { stateOf, type LoggedBill, type ThreadRecord } from "./thread-record.ts";

type Row = { seq: number; events: LiveEvent[] };
/** How far the news goes: to the feed, also to the lists, also to the search and the counts. */
export type Reach = "feed" | "lists" | "all";
type OutboxOptions = { machine: ThreadMachine; log: EventLog<LiveEvent>; context: () => Ctx };

/**
 * Carries what happened in a thread to those outside who must know: the project's feed, the lists and the search in D1.
 * The event log is what remembers; every receiver ignores what it has had, so that a repetition does no harm.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  /** The newest row that the feed has had, as far as this instance knows. */
  #published = 0;
  /** The newest bill that the feed has had. */
  #settled = 0;
  #flushing: Promise<void> | null = null;
  #wanted: Reach | null = null;
  /** Whether webhook endpoints listened when they were last told something. */
  #hasListeners = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Whether anything waits to be projected. */
  get isBehind(): boolean {
    const { record, bills } = this.#options.machine;
    return record !== null && (this.#options.log.lastSeq() > record.projected || bills.length > 0);
  }

  /** Rejects when a receiver cannot be reached. */
  flush(reach: Reach): Promise<void> {
    this.#wanted = further(this.#wanted, this.#hasListeners ? "all" : reach);
    return (this.#flushing ??= this.#run());
  }

  /** Resolves when nothing is on its way. */
  async settled(): Promise<void> {
    await this.#flushing?.catch(() => undefined);
  }

  /** What is wanted up to its very end is done by it: whoever comes later begins another. */
  async #run(): Promise<void> {
    await Promise.resolve();
    try {
      for (let reach = this.#wanted; reach; reach = this.#wanted) {
        this.#wanted = null;
        await this.#tell(reach);
      }
    } finally {
      this.#flushing = null;
    }
  }

  async #tell(reach: Reach): Promise<void> {
    const { record, bills: owed } = this.#options.machine;
    const rows = record ? this.#options.log.rowsFrom(record.projected + 1) : [];
    if (!record || (rows.length === 0 && owed.length === 0)) return;
    const [some, bills] = [rows.slice(0, MOST_AT_ONCE), owed.slice(0, MOST_AT_ONCE)];
    const done = await Promise.allSettled([
      this.#publish(record, rows, owed),
      this.#project(record, some, bills, reach),
    ]);
    const failed = done.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
    if (reach !== "all") return;
    this.#forget(some, bills);
    if (some.length < rows.length || bills.length < owed.length) this.#wanted = "all";
  }

  /** What is owed, alone: for a thread of which nothing else shall be known any more. */
  async settleBills(): Promise<void> {
    const { record, bills: owed } = this.#options.machine;
    if (!record || owed.length === 0) return;
    await Promise.all([this.#publish(record, [], owed), this.#project(record, [], owed, "all")]);
    this.#forget([], owed);
  }

  async #publish(record: ThreadRecord, rows: Row[], owed: readonly LoggedBill[]): Promise<void> {
    const fresh = rows.filter(({ seq }) => seq > this.#published);
    const settled = owed.filter(({ seq, hold }) => seq > this.#settled && hold !== null).map(settlementOf);
    if (fresh.length === 0 && settled.length === 0) return;
    const source = `${record.id}/${record.createdAt}`;
    const batches = fresh.map((row) => ({ source, ...row }));
    await this.#options.context().feed.publish(batches, settled);
    this.#published = Math.max(this.#published, fresh.at(-1)?.seq ?? 0);
    this.#settled = Math.max(this.#settled, owed.at(-1)?.seq ?? 0);
  }

  async #project(record: ThreadRecord, rows: Row[], owed: readonly LoggedBill[], reach: Reach): Promise<void> {
    if (reach === "feed") return;
    const ctx = this.#options.context();
    if (reach === "lists") return this.#list(ctx, record);
    const charges = chargeStatements(ctx, record, owed);
    // A call that failed is owed too: what was held for it is released, and nothing is charged.
    if (rows.length === 0 && charges.length === 0) return;
    if (rows.length === 0) return ringIfLow(ctx, record.projectId, await ctx.db.$client.batch(charges));
    const { messages } = this.#options.machine;
    const changed = messages.texts(messagesIn(rows, ["message-created", "message-updated"]));
    const said = rows.flatMap((row) =>
      messages
        .texts(messagesIn([row], ["message-created"]))
        .map(({ createdAt }) => ({ version: row.seq, hour: hourOf(createdAt) })),
    );
    const isRewritten = messagesIn(rows, ["message-deleted"]).length > 0;
    const texts = isRewritten ? textsOf(messages.since(0)) : joined(changed.map(({ text }) => text));
    const [state, version, { address }] = [stateOf(record), rows.at(-1)!.seq, record];
    const sends = address ? this.#options.machine.sends.all() : [];
    const outgoing = sends.map((send) => sendStatement(ctx, record.id, address!, send));
    const webhooks = await webhookEventsOf(this.#options.machine, record, rows);
    const planned = plannedIn(rows, this.#options.machine);
    const recalled = record.recall ? this.#recallStatements(ctx, record, rows) : [];
    const more = [
      ...charges,
      ...outgoing,
      ...scheduleStatements(ctx, record.id, planned),
      ...chatStatusStatements(ctx, rows),
      ...recalled,
    ];
    const { hasListeners, others } = await projectThread(
      ctx,
      { state, version, texts, isRewritten, said, webhooks },
      more,
    );
    if (webhooks.length > 0) this.#hasListeners = hasListeners;
    ringIfLow(ctx, record.projectId, others.slice(0, charges.length));
    await ringSoon(ctx, record.id, planned.schedules);
    if (recalled.length > 0) await ringForRecall(ctx, record.id);
    if (sends.length === 0) return;
    this.#options.machine.sends.forget(sends.at(-1)!.position);
    await ringForSends(ctx, record.id, sends.length);
  }

  /** What was said, or changed, is to be remembered too. */
  #recallStatements(ctx: Ctx, { id, recall }: ThreadRecord, rows: Row[]): D1PreparedStatement[] {
    if (messagesIn(rows, ["message-created", "message-updated", "message-deleted"]).length === 0) return [];
    const { messages } = this.#options.machine;
    const changed = messagesIn(rows, ["message-updated"]).flatMap((messageId) => messages.find(messageId)?.seq ?? []);
    const deleted = rows.flatMap(({ events }) =>
      events.flatMap((each) => (each.type === "message-deleted" ? each.seq : [])),
    );
    const wish = { threadId: id, embeddingModel: recall!.embeddingModel, version: rows.at(-1)!.seq };
    const changedFrom = Math.min(Number.MAX_SAFE_INTEGER, ...changed, ...deleted);
    return [recallStatement(ctx, { ...wish, changedFrom })];
  }

  /** Who listens is told what has been said, not at the end of the answer alone. */
  async #list(ctx: Ctx, record: ThreadRecord): Promise<void> {
    const { hasListeners } = await listThread(ctx, stateOf(record));
    this.#hasListeners = hasListeners;
    if (hasListeners) this.#wanted = "all";
  }

  #forget(rows: Row[], owed: readonly LoggedBill[]): void {
    this.#options.machine.markProjected(rows.at(-1)?.seq ?? 0, owed.at(-1)?.seq ?? 0);
    for (const { seq } of rows) this.#options.log.trim(seq);
  }
}

/** After a long outage, what waits is more than a database takes at once. */
const MOST_AT_ONCE = 20;
const MOST_CHARACTERS = 400_000;

/** As few texts as one row each can hold. */
function joined(texts: string[]): string[] {
  const found: string[] = [];
  for (const text of texts) {
    const last = found.at(-1);
    if (last === undefined || last.length + text.length > MOST_CHARACTERS) found.push(text);
    else found[found.length - 1] = `${last}\n${text}`;
  }
  return found.filter((text) => text !== "");
}

const MOST_EXCHANGES = 100;

/** What is said in a thread, by exchanges; those of long ago are put together. */
function textsOf(messages: LoggedMessage[]): string[] {
  const found: string[] = [];
  for (const [index, { role, parts }] of messages.entries()) {
    const isAnswer = role !== "user" || messages[index - 1]?.role === "user";
    if (isAnswer && found.length > 0) found.push(`${found.pop()}\n${textOf(parts)}`);
    else found.push(textOf(parts));
  }
  return [...joined(found.slice(0, -MOST_EXCHANGES)), ...found.slice(-MOST_EXCHANGES)];
}

const settlementOf = ({ hold, calls }: LoggedBill): Settlement => ({
  hold: hold!,
  charges: calls.map(({ id, cost }) => ({ id, cost })),
});

const REACHES: readonly Reach[] = ["feed", "lists", "all"];

const further = (wanted: Reach | null, reach: Reach): Reach =>
  wanted && REACHES.indexOf(wanted) > REACHES.indexOf(reach) ? wanted : reach;

const messagesIn = (rows: Row[], types: LiveEvent["type"][]) => [
  ...new Set(
    rows.flatMap(({ events }) =>
      events.flatMap((event) => (types.includes(event.type) && "messageId" in event ? [event.messageId] : [])),
    ),
  ),
];

/** Every event of a schedule names it; those of its runs say what came of them. */
function plannedIn(rows: Row[], { timetable }: ThreadMachine): ScheduleProjection {
  const events = rows.flatMap((row) => row.events).filter((event) => "scheduleId" in event);
  if (events.length === 0) return NOTHING_PLANNED;
  const ids = new Set(events.map(({ scheduleId }) => scheduleId));
  const schedules = [...ids].flatMap((id) => timetable.log.find(id) ?? []);
  return { schedules, runs: events.flatMap(runOf) };
}

const NOTHING_PLANNED: ScheduleProjection = { schedules: [], runs: [] };

function runOf(event: LiveEvent): ScheduleRun[] {
  if (event.type === "schedule-fired") return [{ ...event, outcome: "fired", reason: null }];
  if (event.type !== "schedule-skipped") return [];
  return [{ ...event, outcome: event.missed ? "missed" : "skipped", messageId: null }];
}
