import { textOf, type Delivery, type Message, type MessagePart, type Usage } from "../core/messages.ts";
import type { Bill } from "../core/billing/model-calls.ts";
import { pageOf, readPosition, type Page, type OrderedPageRequest } from "../core/pages.ts";

/** A message with its place in the thread. */
export type LoggedMessage = Message & { seq: number };

/** As much of a message as a bot sees. */
type Said = Pick<LoggedMessage, "seq" | "role" | "parts">;

type Row = { [column: string]: string | number | null };

/** The messages of one thread, in the order in which they were accepted. */
export class MessageLog {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Its place is the one after the last message. */
  append(message: Message): void {
    this.#sql.exec(
      `insert into messages (id, role, author, status, parts, created_at, finish_reason, model, usage, error)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      message.id,
      message.role,
      message.author,
      message.status,
      JSON.stringify(message.parts),
      message.createdAt,
      message.finishReason,
      message.model,
      message.usage && JSON.stringify(message.usage),
      message.error,
    );
  }

  update(message: Message): void {
    this.#sql.exec(
      "update messages set status = ?, parts = ?, finish_reason = ?, model = ?, usage = ?, error = ? where id = ?",
      message.status,
      JSON.stringify(message.parts),
      message.finishReason,
      message.model,
      message.usage && JSON.stringify(message.usage),
      message.error,
      message.id,
    );
  }

  setDelivery(id: string, delivery: Delivery): void {
    this.#sql.exec("update messages set delivery = ? where id = ?", JSON.stringify(delivery), id);
  }

  /** Keeps what an answer says so far, and what it owes, against a crash. */
  checkpoint(id: string, parts: MessagePart[], bill: Bill): void {
    this.#sql.exec(
      `update messages set status = 'streaming', parts = ?,
         usage = json_set(coalesce(usage, '{"inputTokens":0,"outputTokens":0}'), '$.bill', json(?)) where id = ?`,
      JSON.stringify(parts),
      JSON.stringify(bill),
      id,
    );
  }

  /** What an answer owed at its last checkpoint. */
  billOf(id: string): Bill | null {
    const [row] = this.#sql
      .exec<{ bill: string | null }>("select json_extract(usage, '$.bill') as bill from messages where id = ?", id)
      .toArray();
    return row?.bill ? (JSON.parse(row.bill) as Bill) : null;
  }

  remove(id: string): void {
    this.#sql.exec("delete from messages where id = ?", id);
  }

  moveToEnd(id: string): void {
    this.#sql.exec("update messages set seq = (select max(seq) + 1 from messages) where id = ?", id);
  }

  find(id: string): LoggedMessage | null {
    return this.#first("select * from messages where id = ?", id);
  }

  at(seq: number): LoggedMessage | null {
    return this.#first("select * from messages where seq = ?", seq);
  }

  last(): LoggedMessage | null {
    return this.#first("select * from messages order by seq desc limit 1");
  }

  /** All from this place on. */
  since(seq: number): LoggedMessage[] {
    return this.#sql.exec<Row>("select * from messages where seq >= ? order by seq", seq).toArray().map(messageOf);
  }

  /** The answer to a user's message: the first that comes after it. */
  answerTo(message: LoggedMessage): LoggedMessage | null {
    return this.#first("select * from messages where seq > ? and role = 'assistant' order by seq limit 1", message.seq);
  }

  /** User messages that nobody has answered yet. */
  countPending(): number {
    return this.#sql
      .exec<{ count: number }>(
        `select count(*) as count from messages where role = 'user' and seq > coalesce(
           (select seq from messages
            where role = 'assistant' and status not in ('pending', 'streaming', 'failed')
            order by seq desc limit 1), 0)`,
      )
      .one().count;
  }

  page({ limit, cursor, order = "asc" }: OrderedPageRequest): Page<LoggedMessage> {
    const [beyond, end] = order === "asc" ? [">", 0] : ["<", Number.MAX_SAFE_INTEGER];
    const after = cursor ? readPosition(cursor).at : end;
    const rows = this.#sql
      .exec<Row>(`select * from messages where seq ${beyond} ? order by seq ${order} limit ?`, after, limit + 1)
      .toArray()
      .map(messageOf);
    return pageOf(rows, limit, (row) => ({ at: row.seq, id: row.id }));
  }

  /**
   * What a bot sees when it writes an answer, oldest first: the messages that the answer is to, and as many before them
   * as it remembers. What was never said is left out.
   */
  before(answer: LoggedMessage, remembered: number): Said[] {
    const rows = this.#sql.exec<{ seq: number; role: Message["role"]; parts: string }>(
      "select seq, role, parts from messages where seq < ? and status not in ('pending', 'failed') order by seq desc",
      answer.seq,
    );
    const found: Said[] = [];
    let unanswered = true;
    let older = 0;
    for (const { seq, role, parts } of rows) {
      unanswered &&= role === "user";
      if (!unanswered && ++older > remembered) break;
      found.push({ seq, role, parts: JSON.parse(parts) as MessagePart[] });
      if (found.length > MOST_SEEN) break;
    }
    return found.toReversed();
  }

  texts(ids: string[]): { text: string; createdAt: number }[] {
    return ids.flatMap((id) => {
      const message = this.find(id);
      return message ? [{ text: textOf(message.parts), createdAt: message.createdAt }] : [];
    });
  }

  #first(query: string, ...bindings: (string | number)[]): LoggedMessage | null {
    const [row] = this.#sql.exec<Row>(query, ...bindings).toArray();
    return row ? messageOf(row) : null;
  }
}

/** A thread that nobody answers for weeks must not become one endless prompt. */
const MOST_SEEN = 200;

const usageOf = ({ inputTokens, outputTokens }: Usage): Usage => ({ inputTokens, outputTokens });

const messageOf = (row: Row): LoggedMessage => ({
  seq: row["seq"] as number,
  id: row["id"] as string,
  role: row["role"] as Message["role"],
  author: row["author"] as Message["author"],
  status: row["status"] as Message["status"],
  parts: JSON.parse(row["parts"] as string) as MessagePart[],
  createdAt: row["created_at"] as number,
  finishReason: row["finish_reason"] as Message["finishReason"],
  model: row["model"] as string | null,
  usage: row["usage"] ? usageOf(JSON.parse(row["usage"] as string) as Usage) : null,
  error: row["error"] as string | null,
  delivery: row["delivery"] ? (JSON.parse(row["delivery"] as string) as Message["delivery"]) : null,
});
