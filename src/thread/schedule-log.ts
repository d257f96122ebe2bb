import type { Schedule } from "../core/schedule-state.ts";

type Row = { schedule: string };

/** What one thread has planned. The table is made with the first plan, so that a thread without any pays nothing for it. */
export class ScheduleLog {
  readonly #sql: SqlStorage;
  #exists: boolean | null = null;
  #nextDue: number | null | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** To be called when what is in memory may differ from what is stored. */
  reread(): void {
    this.#exists = null;
    this.#nextDue = undefined;
  }

  save(schedule: Schedule): void {
    if (!this.#hasTable) this.#createTable();
    this.#nextDue = undefined;
    this.#sql.exec(
      "insert or replace into schedules (id, message_id, due_at, open, schedule) values (?, ?, ?, ?, ?)",
      schedule.id,
      schedule.messageId,
      schedule.status === "pending" ? schedule.dueAt : null,
      schedule.status === "pending" || schedule.status === "paused" ? 1 : 0,
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
    if (this.#nextDue === undefined) this.#nextDue = this.#hasTable ? this.#readNextDue() : null;
    return this.#nextDue;
  }

  clear(): void {
    if (this.#hasTable) this.#sql.exec("delete from schedules");
    this.reread();
  }

  #readNextDue(): number | null {
    const query = "select min(due_at) as at from schedules where due_at is not null";
    return this.#sql.exec<{ at: number | null }>(query).one().at;
  }

  #select(where: string, ...bindings: (string | number)[]): Schedule[] {
    if (!this.#hasTable) return [];
    return this.#sql
      .exec<Row>(`select schedule from schedules where ${where}`, ...bindings)
      .toArray()
      .map((row) => JSON.parse(row.schedule) as Schedule);
  }

  get #hasTable(): boolean {
    this.#exists ??= this.#sql.exec("select 1 from sqlite_master where name = 'schedules'").toArray().length > 0;
    return this.#exists;
  }

  #createTable(): void {
    this.#sql.exec(`
      create table schedules (
        id text primary key,
        message_id text,
        due_at integer,
        open integer not null,
        schedule text not null
      );
      create index schedules_by_due on schedules (due_at) where due_at is not null;
      create index schedules_by_message on schedules (message_id) where message_id is not null;
      create index schedules_open on schedules (open) where open = 1;
    `);
    this.#exists = true;
  }
}
