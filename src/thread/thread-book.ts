import type { ChannelSend, Outgoing } from "../core/channels/channels.ts";
import { DomainError } from "../core/errors.ts";
import type { LiveEvent, ThreadEvent } from "../core/live-events.ts";
import { textOf, type Message, type MessagePart } from "../core/messages.ts";
import type { Bill, ThreadBill } from "../core/billing/model-calls.ts";
import { ApprovalLog } from "./approval-log.ts";
import { MessageLog } from "./message-log.ts";
import { OnceLog } from "./once-log.ts";
import { SendLog } from "./send-log.ts";
import { readRecord, writeRecord, type ThreadRecord } from "./thread-record.ts";

export type BookOptions = { sql: SqlStorage; now: () => number; newId: () => string };

/** What one transition did, for those who must be told after it is stored. */
export type Transition<T> = { value: T; events: LiveEvent[]; closed: string[] };

/**
 * Where a thread's rules read and write: its record, its tables, and what a transition leads to outside of it. The rules
 * themselves are elsewhere; what holds for everything that is written, is here.
 */
export class ThreadBook {
  readonly messages: MessageLog;
  readonly approvals: ApprovalLog;
  readonly sends: SendLog;
  readonly once: OnceLog;
  readonly #options: BookOptions;
  /** Undefined: not read yet. */
  #record: ThreadRecord | null | undefined;
  #events: LiveEvent[] = [];
  #closed: string[] = [];
  #unsent: Pick<ChannelSend, "messageId" | "author" | "body">[] = [];

  constructor(options: BookOptions) {
    this.#options = options;
    this.messages = new MessageLog(options.sql);
    this.approvals = new ApprovalLog(options.sql);
    this.sends = new SendLog(options.sql);
    this.once = new OnceLog(options.sql);
  }

  /** Kept in memory: the object is its only writer. Null: nothing was written yet. */
  get record(): ThreadRecord | null {
    if (this.#record === undefined) this.#record = readRecord(this.#options.sql);
    return this.#record;
  }

  /** The record of a thread that there is. */
  existing(): ThreadRecord {
    const { record } = this;
    if (!record || record.erased) throw new DomainError("not_found", "this thread does not exist");
    return record;
  }

  /** To be called when a transaction was rolled back, or the tables are gone: what is in memory is not what is stored. */
  reread(): void {
    this.#record = undefined;
    for (const { table } of [this.approvals, this.once, this.sends]) table.reread();
  }

  /** Runs a transition and gathers what it did. */
  transition<T>(run: () => T): Transition<T> {
    [this.#events, this.#closed, this.#unsent] = [[], [], []];
    const value = run();
    return { value, events: this.#events, closed: this.#closed };
  }

  now(): number {
    return this.#options.now();
  }

  newId(): string {
    return this.#options.newId();
  }

  /** Not stored before it is saved. */
  begin(record: ThreadRecord): ThreadRecord {
    this.#record = record;
    return record;
  }

  /** What goes out carries the epoch that the whole transition ends in: a turn does not fence its own last words. */
  save(record: ThreadRecord): void {
    const shared = { epoch: record.epoch, createdAt: this.now() };
    for (const send of this.#unsent) this.sends.append({ id: this.newId(), ...send, ...shared });
    this.#unsent = [];
    writeRecord(this.#options.sql, record);
  }

  /** Nothing is left but the record. */
  clear(): void {
    for (const table of ["messages", "events"]) this.#options.sql.exec(`delete from ${table}`);
    for (const { table } of [this.approvals, this.sends, this.once]) table.clear();
  }

  tell(event: DistributedOmit<ThreadEvent, "threadId">): void {
    this.#events.push({ threadId: this.record!.id, ...event });
  }

  /** An answer that somebody ended: whoever reads it is to be told. */
  tellClosed(messageId: string): void {
    this.#closed.push(messageId);
  }

  /** A message counts, and is told of, once it says something. */
  tellCreated({ id: messageId, role, status }: Message): void {
    const record = this.record!;
    if (role === "user") record.userMessages += 1;
    else record.botMessages += 1;
    record.lastMessageAt = Math.max(this.now(), record.lastMessageAt ?? 0);
    this.tell({ type: "message-created", messageId, role, status });
  }

  countPending(): void {
    const [record, pendingCount] = [this.record!, this.messages.countPending()];
    if (pendingCount === record.pendingCount) return;
    record.pendingCount = pendingCount;
    this.tell({ type: "pending-count", pendingCount });
  }

  /** A message that comes after all others: clocks may jump, the order may not. */
  newMessage(
    { role, author }: Pick<Message, "role" | "author">,
    parts: MessagePart[],
    { id, status = "complete" }: { id?: string | undefined; status?: Message["status"] } = {},
  ): Message {
    const record = this.record!;
    const createdAt = Math.max(this.now(), (record.lastMessageAt ?? 0) + 1);
    record.lastMessageAt = createdAt;
    return { ...UNFINISHED, id: id ?? this.newId(), role, author, status, parts, createdAt };
  }

  /** Notes what is owed, where anything is. */
  bill(bill: Pick<ThreadBill, "purpose" | "messageId"> & Partial<Bill>): void {
    const { hold = null, calls = [], purpose, messageId } = bill;
    if (hold === null && calls.length === 0) return;
    const record = this.record!;
    const { botId, personId } = record;
    record.billed += 1;
    const what = { hold, calls, purpose, messageId, botId, personId, createdAt: this.now() };
    // A new list: who carries out the old one must not take this for done.
    record.bills = [...record.bills, { ...what, seq: record.billed }];
  }

  /** What was said goes out to the vendor, where the thread belongs to one. */
  handOver({ id, author }: Message, parts: MessagePart[]): void {
    const text = textOf(parts);
    if (text.trim() !== "" && author !== "person") this.send(id, author, { type: "text", text });
  }

  send(messageId: string, author: "bot" | "operator", body: Outgoing): void {
    if (!this.record!.address) return;
    this.messages.setDelivery(messageId, { status: "waiting", error: null });
    this.#unsent.push({ messageId, author, body });
  }

  expireApprovals(): void {
    for (const approvalId of this.approvals.expirePending()) {
      this.tell({ type: "approval-decided", approvalId, status: "expired" });
    }
  }
}

type DistributedOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

const UNFINISHED = { finishReason: null, model: null, usage: null, error: null, delivery: null };
