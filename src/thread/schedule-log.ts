import { isOpen, type Schedule } from "../core/schedules/schedule-state.ts";
import { RareTable } from "./rare-table.ts";

const COLUMNS = `
  id text primary key,
  message_id text,
  due_at integer,
  open integer not null,
  schedule text not null
`;

const INDEXES = `
  create index schedules_by_due on schedules (due_at) where due_at is not null;
  create index schedules_by_message on schedules (message_id) where message_id is not null;
  create index schedules_open on schedules (open) where open = 1;
`;

type Row = { schedule: string };

/** What one thread has planned. */
export class ScheduleLog {
  readonly #sql: SqlStorage;
  readonly #table: RareTable;
  #nextDue: number | null | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#table = new RareTable(sql, "schedules", COLUMNS, INDEXES);
  }

  /** To be called when what is in memory may differ from what is stored. */
  reread(): void {
    this.#table.reread();
    this.#nextDue = undefined;
  }

  save(schedule: Schedule): void {
    this.#table.ensure();
    this.#nextDue = undefined;
    this.#sql.exec(
      "insert or replace into schedules (id, message_id, due_at, open, schedule) values (?, ?, ?, ?, ?)",
      schedule.id,
      schedule.messageId,
      schedule.status === "pending" ? schedule.dueAt : null,
      isOpen(schedule) ? 1 : 0,
      JSON.stringify(schedule),
    );
  }

  find(id: string): Schedule | null {
    return this.#select("id = ?", id)[0] ?? null;
  }

  /** The schedule that leads, or led, to a message. */
  findByMessage(messageId: string): Schedule | null {
    return this.#select("message_id = ?", messageId)[0] ?? null;
  }

  /** Pending or paused, in the order in which they are due. */
  open(): Schedule[] {
    return this.#select("open = 1 order by due_at, id");
  }

  due(now: number): Schedule[] {
    return this.nextDue !== null && this.nextDue <= now ? this.#select("due_at <= ? order by due_at, id", now) : [];
  }

  /** Null: nothing is pending. */
  get nextDue(): number | null {
    if (this.#nextDue === undefined) this.#nextDue = this.#table.exists ? this.#readNextDue() : null;
    return this.#nextDue;
  }

  clear(): void {
    this.#table.clear();
    this.reread();
  }

  #readNextDue(): number | null {
    const query = "select min(due_at) as at from schedules where due_at is not null";
    return this.#sql.exec<{ at: number | null }>(query).one().at;
  }

  #select(where: string, ...bindings: (string | number)[]): Schedule[] {
    if (!this.#table.exists) return [];
    return this.#sql
      .exec<Row>(`select schedule from schedules where ${where}`, ...bindings)
      .toArray()
      .map((row) => JSON.parse(row.schedule) as Schedule);
  }
}
