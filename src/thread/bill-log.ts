import type { ThreadBill } from "../core/model-calls.ts";
import { RareTable } from "./rare-table.ts";

/** A bill with its place in the log. */
export type LoggedBill = ThreadBill & { seq: number };

/**
 * What the thread owes for model calls and has not passed on yet, written in the transaction of the answer.
 */
export class BillLog {
  readonly #table: RareTable;
  readonly #sql: SqlStorage;
  #pending: LoggedBill[] | null = null;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#table = new RareTable(sql, "bills", "seq integer primary key autoincrement, bill text not null");
  }

  /** Oldest first. Kept in memory: the object is the only writer. */
  get pending(): readonly LoggedBill[] {
    this.#pending ??= this.#read();
    return this.#pending;
  }

  /** To be called when a transaction was rolled back. */
  reread(): void {
    this.#pending = null;
    this.#table.reread();
  }

  append(bill: ThreadBill): void {
    const { pending } = this;
    this.#table.ensure();
    const { seq } = this.#sql
      .exec<{ seq: number }>("insert into bills (bill) values (?) returning seq", JSON.stringify(bill))
      .one();
    this.#pending = [...pending, { ...bill, seq }];
  }

  /** These, and all before them, are known where they are paid. */
  forget(bills: readonly LoggedBill[]): void {
    const last = bills.at(-1);
    if (!last) return;
    this.#sql.exec("delete from bills where seq <= ?", last.seq);
    this.#pending = this.pending.filter(({ seq }) => seq > last.seq);
  }

  #read(): LoggedBill[] {
    if (!this.#table.exists) return [];
    return this.#sql
      .exec<{ seq: number; bill: string }>("select seq, bill from bills order by seq")
      .toArray()
      .map(({ seq, bill }) => ({ ...(JSON.parse(bill) as ThreadBill), seq }));
  }
}
