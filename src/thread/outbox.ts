import type { Ctx } from "../core/context.ts";
import { hourOf } from "../core/chat-settings.ts";
import type { LiveEvent } from "../core/live-events.ts";
import { projectThread } from "../core/thread-projection.ts";
import type { EventLog } from "../lib/event-log.ts";
import type { ThreadMachine } from "./thread-machine.ts";
import { stateOf, type ThreadRecord } from "./thread-record.ts";

type Row = { seq: number; events: LiveEvent[] };
type OutboxOptions = { machine: ThreadMachine; log: EventLog<LiveEvent>; context: () => Ctx };

/**
 * Carries what happened in a thread to those outside who must know: the project's feed, the lists and the search in D1.
 * The event log is what remembers; every receiver ignores what it has had, so that a repetition does no harm.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  /** The newest row that the feed has had, as far as this instance knows. */
  #published = 0;
  #flushing: Promise<void> | null = null;
  #wanted: "nothing" | "feed" | "all" = "nothing";

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Whether anything waits to be projected. */
  get isBehind(): boolean {
    const { record } = this.#options.machine;
    return record !== null && this.#options.log.lastSeq() > record.projected;
  }

  /** Live events go out at once; with `all`, lists and search follow too. Rejects when a receiver cannot be reached. */
  flush(what: "feed" | "all"): Promise<void> {
    this.#wanted = this.#wanted === "all" ? "all" : what;
    this.#flushing ??= this.#run().finally(() => (this.#flushing = null));
    return this.#flushing;
  }

  /** Resolves when nothing is on its way. */
  async settled(): Promise<void> {
    await this.#flushing?.catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (this.#wanted !== "nothing") {
      const all = this.#wanted === "all";
      this.#wanted = "nothing";
      const { record } = this.#options.machine;
      const rows = record ? this.#options.log.rowsFrom(record.projected + 1) : [];
      if (!record || rows.length === 0) return;
      const done = await Promise.allSettled([this.#publish(record, rows), all ? this.#project(record, rows) : null]);
      const failed = done.find((result) => result.status === "rejected");
      if (failed) throw failed.reason;
      if (all) this.#forget(rows);
    }
  }

  async #publish(record: ThreadRecord, rows: Row[]): Promise<void> {
    const fresh = rows.filter(({ seq }) => seq > this.#published);
    if (fresh.length === 0) return;
    const batches = fresh.map(({ seq, events }) => ({ key: `${record.id}/${record.createdAt}/${seq}`, events }));
    await this.#options.context().feed.publish(batches);
    this.#published = Math.max(this.#published, fresh.at(-1)!.seq);
  }

  async #project(record: ThreadRecord, rows: Row[]): Promise<void> {
    const { messages } = this.#options.machine;
    const said = messages.texts(messagesIn(rows, ["message-created", "message-updated"]));
    const created = messages.texts(messagesIn(rows, ["message-created"]));
    const hours = new Map<number, number>();
    for (const { createdAt } of created) hours.set(hourOf(createdAt), (hours.get(hourOf(createdAt)) ?? 0) + 1);
    const text = said.map((message) => message.text).join("\n");
    await projectThread(this.#options.context(), { state: stateOf(record), version: rows.at(-1)!.seq, text, hours });
  }

  #forget(rows: Row[]): void {
    this.#options.machine.markProjected(rows.at(-1)!.seq);
    for (const { seq } of rows) this.#options.log.trim(seq);
  }
}

const messagesIn = (rows: Row[], types: LiveEvent["type"][]) => [
  ...new Set(
    rows.flatMap(({ events }) =>
      events.flatMap((event) => (types.includes(event.type) && "messageId" in event ? [event.messageId] : [])),
    ),
  ),
];
