/** One event of a log; `id` is `<row>.<place in the row>` and grows. */
export type LoggedEvent<E> = { id: string; event: E };

/**
 * A bounded, append-only log of events in an object's SQLite. What happened in one transaction is one row, so a reader
 * sees all of it or nothing.
 */
export class EventLog<E> {
  readonly #sql: SqlStorage;
  readonly #keepRows: number;

  constructor(sql: SqlStorage, keepRows: number) {
    this.#sql = sql;
    this.#keepRows = keepRows;
  }

  createTable(): void {
    this.#sql.exec("create table if not exists events (seq integer primary key, key text, events text)");
  }

  /** Answers the row in which they are. */
  append(events: E[], key: string | null = null): number {
    const insert = "insert into events (key, events) values (?, ?) returning seq";
    return this.#sql.exec<{ seq: number }>(insert, key, JSON.stringify(events)).one().seq;
  }

  /** Events after an id, oldest first; an id that is malformed or older than the log answers all that is kept. */
  after(id: string): LoggedEvent<E>[] {
    const [row = 0, place = Infinity] = /^\d+(\.\d+)?$/.test(id) ? id.split(".").map(Number) : [];
    return this.rowsFrom(row).flatMap(({ seq, events }) =>
      numbered(seq, events).filter((_, index) => seq > row || index > place),
    );
  }

  /** For a listener: what it missed since an id, and then, without an event, the id from which it continues. */
  backlog(after: string | null): LoggedEvent<E | null>[] {
    const missed = after === null ? [] : this.after(after);
    return [...missed, { id: this.#lastId(), event: null }];
  }

  rowsFrom(seq: number): { seq: number; events: E[] }[] {
    return this.#sql
      .exec<{ seq: number; events: string }>("select seq, events from events where seq >= ? order by seq", seq)
      .toArray()
      .map((row) => ({ seq: row.seq, events: JSON.parse(row.events) as E[] }));
  }

  lastSeq(): number {
    return this.#sql.exec<{ seq: number }>("select coalesce(max(seq), 0) as seq from events").one().seq;
  }

  #lastId(): string {
    const [row] = this.#sql
      .exec<{ seq: number; size: number }>(
        "select seq, json_array_length(events) as size from events order by seq desc limit 1",
      )
      .toArray();
    return row ? `${row.seq}.${row.size - 1}` : "0.0";
  }

  /** The keys of the rows up to one, oldest first; without: of all that are kept. */
  keys(upTo = Number.MAX_SAFE_INTEGER): string[] {
    return this.#sql
      .exec<{ key: string }>("select key from events where seq <= ? and key is not null order by seq", upTo)
      .toArray()
      .map(({ key }) => key);
  }

  /**
   * Forgets what is older than the newest rows. Cheap enough to be called for each row: it acts on every hundredth.
   * `before` is told the keys that go.
   */
  trim(newest: number, before?: (keys: string[]) => void): void {
    if (newest % 100 !== 0) return;
    const last = newest - this.#keepRows;
    before?.(this.keys(last));
    this.#sql.exec("delete from events where seq <= ?", last);
  }
}

export const numbered = <E>(seq: number, events: E[]): LoggedEvent<E>[] =>
  events.map((event, index) => ({ id: `${seq}.${index}`, event }));
