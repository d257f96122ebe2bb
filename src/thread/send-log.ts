import type { ChannelSend, Outgoing } from "../core/channels.ts";

type Row = { [column: string]: string | number };

/** What a thread has for its vendor and nobody has taken over yet. A place is never given twice. */
export class SendLog {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  append(send: Omit<ChannelSend, "position">): void {
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
