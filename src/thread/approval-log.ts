import type { Approval, ApprovalStatus } from "../core/approvals.ts";
import type { Json } from "../core/messages.ts";
import { pageOf, readPosition, type Page, type PageRequest } from "../core/pages.ts";
import { RareTable } from "./rare-table.ts";

const COLUMNS = `
  id text primary key,
  message_id text not null,
  tool_call_id text not null,
  tool_name text not null,
  args text not null,
  requested_from text not null,
  status text not null,
  reason text,
  created_at integer not null
`;

type Row = { [column: string]: string | number | null };

/** The tool calls of one thread that a person had, or has, to allow. */
export class ApprovalLog {
  readonly table: RareTable;
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.table = new RareTable(sql, "approvals", COLUMNS);
  }

  append(approval: Approval): void {
    this.table.ensure();
    this.#sql.exec(
      `insert into approvals
         (id, message_id, tool_call_id, tool_name, args, requested_from, status, reason, created_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      approval.id,
      approval.messageId,
      approval.toolCallId,
      approval.toolName,
      JSON.stringify(approval.args),
      approval.requestedFrom,
      approval.status,
      approval.reason,
      approval.createdAt,
    );
  }

  find(id: string): Approval | null {
    if (!this.table.exists) return null;
    const [row] = this.#sql.exec<Row>("select * from approvals where id = ?", id).toArray();
    return row ? approvalOf(row) : null;
  }

  decide(id: string, status: ApprovalStatus, reason: string | null): void {
    this.#sql.exec("update approvals set status = ?, reason = ? where id = ?", status, reason, id);
  }

  ofMessage(messageId: string): Approval[] {
    if (!this.table.exists) return [];
    return this.#sql
      .exec<Row>("select * from approvals where message_id = ? order by rowid", messageId)
      .toArray()
      .map(approvalOf);
  }

  /** Withdraws every question that is still open; answers their ids. */
  expirePending(): string[] {
    if (!this.table.exists) return [];
    return this.#sql
      .exec<{ id: string }>("update approvals set status = 'expired' where status = 'pending' returning id")
      .toArray()
      .map(({ id }) => id);
  }

  page({ limit, cursor }: PageRequest): Page<Approval> {
    if (!this.table.exists) return { items: [], next: null };
    const rows = this.#sql
      .exec<Row>(
        "select rowid as place, * from approvals where rowid > ? order by rowid limit ?",
        cursor ? readPosition(cursor).at : 0,
        limit + 1,
      )
      .toArray();
    const page = pageOf(rows, limit, (row) => ({ at: row["place"] as number, id: row["id"] as string }));
    return { ...page, items: page.items.map(approvalOf) };
  }
}

const approvalOf = (row: Row): Approval => ({
  id: row["id"] as string,
  messageId: row["message_id"] as string,
  toolCallId: row["tool_call_id"] as string,
  toolName: row["tool_name"] as string,
  args: JSON.parse(row["args"] as string) as Json,
  requestedFrom: row["requested_from"] as Approval["requestedFrom"],
  status: row["status"] as ApprovalStatus,
  reason: row["reason"] as string | null,
  createdAt: row["created_at"] as number,
});
