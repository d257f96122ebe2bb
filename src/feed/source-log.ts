import type { LiveEvent } from "../core/live-events.ts";
import type { EventLog } from "../lib/event-log.ts";

const ROWS_REMEMBERED = 100_000;

/**
 * How far each source has told what happened in it. A source tells its changes in order, and again after a crash, be it
 * long after: what it has told is known even when the event itself is forgotten. As long as the log has the event, its key
 * says it, so that an event costs one row.
 */
export class SourceLog {
  readonly #sql: SqlStorage;
  readonly #log: EventLog<LiveEvent>;
  /** Of the sources whose events are in the log. */
  #told: Map<string, number> | null = null;

  constructor(sql: SqlStorage, log: EventLog<LiveEvent>) {
    this.#sql = sql;
    this.#log = log;
  }

  createTable(): void {
    this.#sql.exec(
      "create table if not exists sources (source text primary key, seq integer, row integer) without rowid",
    );
  }

  /** Appends what happened; null: the source has told it already. */
  append(source: string, seq: number, events: LiveEvent[]): number | null {
    if (seq <= (this.#known.get(source) ?? this.#stored(source))) return null;
    const row = this.#log.append(events, `${source}/${seq}`);
    this.#known.set(source, seq);
    this.#log.trim(row, (keys) => this.#keep(keys, row));
    return row;
  }

  get #known(): Map<string, number> {
    this.#told ??= new Map(this.#log.keys().map(readKey));
    return this.#told;
  }

  #stored(source: string): number {
    const [row] = this.#sql.exec<{ seq: number }>("select seq from sources where source = ?", source).toArray();
    return row?.seq ?? 0;
  }

  /** Notes how far those sources have told of which nothing newer is in the log. Who is silent for very long is forgotten. */
  #keep(keys: string[], row: number): void {
    for (const [source, seq] of new Map(keys.map(readKey))) {
      if (this.#known.get(source) !== seq) continue;
      this.#sql.exec("insert or replace into sources values (?, ?, ?)", source, seq, row);
      this.#known.delete(source);
    }
    if (row % (ROWS_REMEMBERED / 10) === 0) {
      this.#sql.exec("delete from sources where row <= ?", row - ROWS_REMEMBERED);
    }
  }
}

function readKey(key: string): [source: string, seq: number] {
  const end = key.lastIndexOf("/");
  return [key.slice(0, end), Number(key.slice(end + 1))];
}
