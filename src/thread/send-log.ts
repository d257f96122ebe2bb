import type { ChannelSend, Outgoing } from "../core/channels/channels.ts";
import { RareTable } from "./rare-table.ts";

const COLUMNS = `
  position integer primary key autoincrement,
  id text not null,
  message_id text not null,
  author text not null,
  epoch integer not null,
  body text not null,
  created_at integer not null
`;

type Row = { [column: string]: string | number };

/** What a thread has for its vendor and nobody has taken over yet. A place is never given twice. */
export class SendLog {
  readonly table: RareTable;
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.table = new RareTable(sql, "sends", COLUMNS);
  }

  append(send: Omit<ChannelSend, "position">): void {
    this.table.ensure();
    this.#sql.exec(
      "insert into sends (id, message_id, author, epoch, body, created_at) values (?, ?, ?, ?, ?, ?)",
      send.id,
      send.messageId,
      send.author,
      send.epoch,
      JSON.stringify(send.body),
      send.createdAt,
    );
  }

  all(): ChannelSend[] {
    if (!this.table.exists) return [];
    return this.#sql.exec<Row>("select * from sends order by position").toArray().map(sendOf);
  }

  /** They are on their way. */
  forget(upTo: number): void {
    this.#sql.exec("delete from sends where position <= ?", upTo);
  }
}

const sendOf = (row: Row): ChannelSend => ({
  id: row["id"] as string,
  position: row["position"] as number,
  messageId: row["message_id"] as string,
  author: row["author"] as ChannelSend["author"],
  epoch: row["epoch"] as number,
  body: JSON.parse(row["body"] as string) as Outgoing,
  createdAt: row["created_at"] as number,
});
