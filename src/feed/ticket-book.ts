import { randomHex, sha256 } from "../lib/hash.ts";

const CONNECT_MS = 60_000;
const RETURN_MS = 60 * 60_000;

/** Tickets that open live events without a key: one minute to connect, then an hour for the same listener to come back. */
export class TicketBook {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  createTable(): void {
    this.#sql.exec(
      "create table if not exists tickets (hash text primary key, thread_id text, issued_at integer, used_at integer)",
    );
  }

  /** The ticket begins with the project, so that whoever is shown it knows where to ask. */
  async issue(projectId: string, threadId: string | null, now: number): Promise<{ ticket: string; expiresAt: number }> {
    const ticket = `${projectId}.${randomHex(24)}`;
    const hash = await sha256(ticket);
    this.#sql.exec("delete from tickets where issued_at < ?", now - RETURN_MS - CONNECT_MS);
    this.#sql.exec("insert into tickets values (?, ?, ?, null)", hash, threadId, now);
    return { ticket, expiresAt: now + CONNECT_MS };
  }

  /** Whether the ticket opens these events now. A listener that comes back names the last event it had. */
  async redeem(ticket: string, threadId: string | null, returning: boolean, now: number): Promise<boolean> {
    const hash = await sha256(ticket);
    const [row] = this.#sql
      .exec<{ thread_id: string | null; issued_at: number; used_at: number | null }>(
        "select thread_id, issued_at, used_at from tickets where hash = ?",
        hash,
      )
      .toArray();
    if (!row || row.thread_id !== threadId) return false;
    if (row.used_at !== null) return returning && now - row.used_at < RETURN_MS;
    if (now - row.issued_at > CONNECT_MS) return false;
    this.#sql.exec("update tickets set used_at = ? where hash = ?", now, hash);
    return true;
  }
}
