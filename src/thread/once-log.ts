import { requireSameRequest } from "../core/idempotency.ts";
import type { OnceKey } from "../core/ports.ts";
import { RareTable } from "./rare-table.ts";

const COLUMNS = `
  key text primary key,
  request_hash text not null,
  message_id text,
  created_at integer not null
`;

const KEPT_MS = 24 * 60 * 60 * 1000;

/** The Idempotency-Keys of the last day, each with the message that its request led to. */
export class OnceLog {
  readonly table: RareTable;
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.table = new RareTable(sql, "once", COLUMNS);
  }

  /** What the key's first request led to; null: there was none. The same key with another request is refused. */
  find(once: OnceKey | null, now: number): { messageId: string | null } | null {
    if (!once || !this.table.exists) return null;
    this.#sql.exec("delete from once where created_at < ?", now - KEPT_MS);
    const [row] = this.#sql
      .exec<{ request_hash: string; message_id: string | null }>(
        "select request_hash, message_id from once where key = ?",
        once.key,
      )
      .toArray();
    if (!row) return null;
    requireSameRequest(row.request_hash, once.requestHash);
    return { messageId: row.message_id };
  }

  record(once: OnceKey | null, messageId: string | null, now: number): void {
    if (!once) return;
    this.table.ensure();
    this.#sql.exec(
      "insert into once (key, request_hash, message_id, created_at) values (?, ?, ?, ?)",
      once.key,
      once.requestHash,
      messageId,
      now,
    );
  }
}
