import type { TurnInput, TurnOutcome } from "../agent/turn.ts";
import type { LiveChat } from "../core/access.ts";
import type { Approval, Decision } from "../core/approvals.ts";
import type { BotSettings } from "../core/bot-settings.ts";
import { DomainError, notFound } from "../core/errors.ts";
import type { LiveEvent, ThreadEvent } from "../core/live-events.ts";
import {
  textOf,
  type Delivery,
  type Message,
  type MessagePart,
  type MessageStatus,
  type Usage,
} from "../core/messages.ts";
import type { Bill, ThreadBill } from "../core/model-calls.ts";
import type { Later, OnceKey, PostCommand, Posting, UserMessage } from "../core/ports.ts";
import {
  isOpen,
  type Due,
  type EndReason,
  type Schedule,
  type ScheduleChanges,
  type SchedulePlan,
} from "../core/schedule-state.ts";
import type { Mode } from "../core/thread-state.ts";
import type { ChannelSend, Outgoing } from "../core/channels.ts";
import type { Planning } from "../agent/tool.ts";
import { ApprovalLog } from "./approval-log.ts";
import { MessageLog, type LoggedMessage } from "./message-log.ts";
import { OnceLog } from "./once-log.ts";
import { SendLog } from "./send-log.ts";
import { readRecord, writeRecord, type LoggedBill, type OpenTurn, type ThreadRecord } from "./thread-record.ts";
import { Timetable } from "./timetable.ts";

const MOST_WAITING = 50;
const MOST_RECOVERIES = 3;

/** What a post led to: an answer that is owed, one that was given or is being given already, one that comes later, or none at all. */
export type Posted =
  | { kind: "owed" | "known"; messageId: string }
  | { kind: "scheduled"; messageId: string; scheduleId: string }
  | { kind: "unanswered" };

/** What one transition did, for those who must be told after it is stored. */
export type Transition<T> = { value: T; events: LiveEvent[]; closed: string[] };

/** What the running answer has said so far, null: nothing; and what it owes already. */
export type Draft = { parts: MessagePart[] | null; bill: Bill };

export type MachineOptions = { sql: SqlStorage; now: () => number; newId: () => string };

/**
 * The rules of a thread, over its tables: which messages it accepts, whose turn it is, what may be committed. Every method
 * is one transition, to be run in one transaction; it is synchronous and knows no clock, no network and no model.
 */
export class ThreadMachine {
  readonly messages: MessageLog;
  readonly approvals: ApprovalLog;
  readonly sends: SendLog;
  readonly timetable: Timetable;
  readonly #once: OnceLog;
  readonly #options: MachineOptions;
  /** Undefined: not read yet. */
  #record: ThreadRecord | null | undefined;
  #events: LiveEvent[] = [];
  #closed: string[] = [];
  #unsent: Pick<ChannelSend, "messageId" | "author" | "body">[] = [];

  constructor(options: MachineOptions) {
    this.#options = options;
    this.messages = new MessageLog(options.sql);
    this.approvals = new ApprovalLog(options.sql);
    this.sends = new SendLog(options.sql);
    this.timetable = new Timetable({ ...options, tell: (event) => this.#tell(this.record!, event) });
    this.#once = new OnceLog(options.sql);
  }

  /** Kept in memory: the object is its only writer. Null: nothing was written yet. */
  get record(): ThreadRecord | null {
    if (this.#record === undefined) this.#record = readRecord(this.#options.sql);
    return this.#record;
  }

  /** To be called when a transaction was rolled back, or the tables are gone: what is in memory is not what is stored. */
  reread(): void {
    this.#record = undefined;
    this.approvals.table.reread();
    this.#once.table.reread();
    this.sends.table.reread();
    this.timetable.log.reread();
  }

  /** Runs a transition and gathers what it did. */
  transition<T>(run: () => T): Transition<T> {
    [this.#events, this.#closed, this.#unsent] = [[], [], []];
    const value = run();
    return { value, events: this.#events, closed: this.#closed };
  }

  /** What is owed for model calls and has not been passed on. */
  get bills(): readonly LoggedBill[] {
    return this.record?.bills ?? [];
  }

  /** Notes up to which row of the event log, and which bill, everything is known everywhere. */
  markProjected(seq: number, bill: number): void {
    const { record } = this;
    if (!record) return;
    record.projected = Math.max(record.projected, seq);
    record.bills = record.bills.filter((other) => other.seq > bill);
    this.#save(record);
  }

  post(identity: { projectId: string; threadId: string }, command: PostCommand): Posted {
    const record = (this.#record = this.record ?? this.#newRecord(identity, command.posting));
    if (record.chatId !== command.posting.chatId) throw notFound("thread", identity.threadId);
    const repeated = this.#once.find(command.once, this.#options.now());
    if (repeated) return this.#postedAs(repeated.messageId);
    if (record.mode === "auto" && record.openTurns.length >= MOST_WAITING) throw tooManyWaiting();
    this.#takePosting(record, command.posting);
    const posted = command.regenerate ? this.#regenerate(record) : this.#accept(record, command);
    this.#once.record(command.once, posted.kind === "unanswered" ? null : posted.messageId, this.#options.now());
    this.#save(record);
    return posted;
  }

  /** Everything that a turn needs to know of the thread. */
  turnInput(messageId: string, settings: BotSettings, planning: Planning | null): TurnInput {
    const answer = this.messages.find(messageId)!;
    const carriedOut = new Set(answer.parts.map((part) => part.type === "tool-result" && part.toolCallId));
    return {
      settings,
      workingMemory: this.record!.workingMemory,
      due: this.record!.openTurns.find((turn) => turn.messageId === messageId)?.due ?? null,
      planning,
      messages: this.messages.before(answer, settings.memory.lastMessages),
      parts: answer.parts,
      decided: this.approvals.ofMessage(messageId).filter(({ toolCallId }) => !carriedOut.has(toolCallId)),
    };
  }

  /**
   * Makes an outcome final. False, and nothing happens, when the turn is not the thread's running one any more or began
   * before a change of mode: the fence that keeps a bot silent after a takeover. Whoever ended it has billed it, too.
   */
  commit(messageId: string, epoch: number, outcome: TurnOutcome, bill: Bill): boolean {
    const record = this.record;
    if (!record || record.epoch !== epoch || record.openTurns[0]?.messageId !== messageId) return false;
    const [turn] = record.openTurns.splice(0, 1) as [OpenTurn];
    this.#finish(record, turn, {
      status: outcome.status,
      parts: outcome.parts,
      finishReason: outcome.finishReason,
      model: outcome.model,
      usage: turn.continues ? sumOf(this.messages.find(messageId)!.usage, outcome.usage) : outcome.usage,
      error: outcome.failure?.message ?? null,
    });
    this.#bill(record, { ...bill, purpose: "answer", messageId });
    for (const request of outcome.approvals) this.#requestApproval(record, messageId, request);
    record.workingMemory = outcome.control.workingMemory ?? record.workingMemory;
    this.#plan(record, outcome, turn);
    this.#judgeChat(record, outcome.failure);
    if (outcome.control.mode) this.#changeMode(record, outcome.control.mode, null);
    this.#save(record);
    return true;
  }

  /** What a bot planned counts once its answer does. After an answer that waits for nothing but the person, silence may be broken. */
  #plan(record: ThreadRecord, { control, status, approvals, followUp }: TurnOutcome, { due }: OpenTurn): void {
    for (const id of control.cancelledPlans) this.timetable.cancelIfOpen(id);
    for (const plan of control.plans) if (this.timetable.hasRoom) this.timetable.add(plan);
    const waits = status === "complete" && approvals.length === 0 && !control.mode && record.openTurns.length === 0;
    if (waits && followUp) this.timetable.followUp(followUp, due?.followUp ?? 0);
  }

  /** `draft` is what the running answer has said so far; it stays, as far as it was said. */
  setMode(mode: Mode, draft: Draft | null, once: OnceKey | null): void {
    const record = this.#existing();
    if (this.#once.find(once, this.#options.now())) return;
    this.#once.record(once, null, this.#options.now());
    if (record.mode === mode) return;
    this.#changeMode(record, mode, draft);
    this.#save(record);
  }

  /** Ends the running answer; those that wait behind it get their turn. */
  stop(draft: Draft | null, once: OnceKey | null): boolean {
    const record = this.#existing();
    const repeated = this.#once.find(once, this.#options.now());
    if (repeated) return repeated.messageId !== null;
    const turn = record.openTurns.shift();
    this.#once.record(once, turn?.messageId ?? null, this.#options.now());
    if (!turn) return false;
    this.#close(record, turn, draft);
    this.#save(record);
    return true;
  }

  send(text: string, once: OnceKey | null): LoggedMessage {
    const record = this.#existing();
    const repeated = this.#once.find(once, this.#options.now());
    if (repeated?.messageId) return this.messages.find(repeated.messageId)!;
    requireManual(record);
    const message = this.#sendNow(record, text);
    this.#once.record(once, message.id, this.#options.now());
    this.#save(record);
    return this.messages.find(message.id)!;
  }

  #sendNow(record: ThreadRecord, text: string, id?: string): Message {
    const message = this.#newMessage(record, "assistant", "operator", [{ type: "text", text }], id);
    this.messages.append(message);
    this.#tellCreated(record, message);
    this.#handOver(record, message, message.parts);
    this.#countPending(record);
    return message;
  }

  /** An operator's message is allowed as it is now; at its time only a blocked thread refuses it. */
  schedule(plan: SchedulePlan, once: OnceKey | null): Schedule {
    const record = this.#existing();
    const repeated = this.#once.find(once, this.#options.now());
    if (repeated?.messageId) return this.timetable.log.find(repeated.messageId)!;
    if (plan.kind === "send") requireManual(record);
    if (record.mode === "blocked") throw new DomainError("conflict", "the thread is blocked");
    const schedule = this.timetable.add(plan);
    this.#once.record(once, schedule.id, this.#options.now());
    return schedule;
  }

  changeSchedule(id: string, changes: ScheduleChanges): Schedule {
    this.#existing();
    return this.timetable.change(id, changes);
  }

  cancelSchedule(id: string): Schedule {
    this.#existing();
    return this.timetable.cancel(id);
  }

  /** Does what is due, as far as thread and chat allow it now, and plans it anew where it recurs. Answers what is owed by it. */
  fire(id: string, chat: Pick<LiveChat, "active" | "failing"> | null): string | null {
    const record = this.#existing();
    const schedule = this.timetable.takeDue(id);
    if (!schedule) return null;
    if (this.timetable.isMissed(schedule)) return (this.timetable.missed(schedule), null);
    const obstacle = obstacleTo(schedule, record, chat);
    if (obstacle) return (this.timetable.skipped(schedule, obstacle), null);
    const messageId = schedule.messageId ?? this.#options.newId();
    this.timetable.ran(schedule, messageId);
    const { kind, text, createdAt: plannedAt, followUp } = schedule;
    record.failing = chat!.failing;
    if (kind === "send") this.#sendNow(record, text, messageId);
    else this.#openTurn(record, 0, messageId, { scheduleId: id, kind, text, plannedAt, ...(followUp && { followUp }) });
    this.#save(record);
    return kind === "send" ? null : messageId;
  }

  /** Decides one tool call. `resumed`: the answer that goes on now, since this was the last decision it waited for. */
  decide(decision: Decision): { approval: Approval; resumed: string | null } {
    const record = this.#existing();
    const approval = this.approvals.find(decision.approvalId);
    if (!approval) throw notFound("approval", decision.approvalId);
    if (approval.status !== "pending") throw new DomainError("conflict", `this approval is ${approval.status} already`);
    if (decision.by === "user" && approval.requestedFrom !== "user") {
      throw new DomainError("forbidden", "only an operator may decide this");
    }
    const status = decision.approved ? "approved" : "rejected";
    this.approvals.decide(approval.id, status, decision.reason);
    this.#tell(record, { type: "approval-decided", approvalId: approval.id, status });
    const waiting = this.approvals.ofMessage(approval.messageId).some((other) => other.status === "pending");
    if (!waiting) this.#reopen(record, approval.messageId);
    this.#save(record);
    return { approval: this.approvals.find(approval.id)!, resumed: waiting ? null : approval.messageId };
  }

  /**
   * After a crash or an eviction: an answer that had begun is interrupted as it stands; one that had not said a word is
   * still owed, but not for ever.
   */
  recover(): void {
    const record = this.record;
    const [turn] = record?.openTurns ?? [];
    if (!record || !turn) return;
    const message = this.messages.find(turn.messageId)!;
    turn.recoveries += 1;
    const status = this.#takeBack(record, turn, message);
    if (status === "streaming" || turn.recoveries > MOST_RECOVERIES) {
      this.#bill(record, { ...this.messages.billOf(turn.messageId), purpose: "answer", messageId: turn.messageId });
      record.openTurns.shift();
      const unsaid = status === "pending";
      this.#finish(record, turn, { status: unsaid ? "failed" : "interrupted", error: INTERRUPTED });
    }
    this.#save(record);
  }

  /** A vendor's person sees an answer when it is whole: of one that was cut off nothing has been seen, and it begins again. */
  #takeBack(record: ThreadRecord, turn: OpenTurn, message: LoggedMessage): MessageStatus {
    const hasActed = message.parts.slice(turn.handedOver).some((part) => part.type !== "text");
    if (!record.address || message.status !== "streaming" || hasActed) return message.status;
    this.#bill(record, { ...this.messages.billOf(message.id), purpose: "answer", messageId: message.id });
    this.messages.update({ ...message, status: "pending", parts: message.parts.slice(0, turn.handedOver) });
    return "pending";
  }

  /** A turn that cannot be run, for a reason that has nothing to do with the thread. */
  abandon(messageId: string, reason: string, bill: Bill): void {
    const record = this.#existing();
    const turn = record.openTurns.find((open) => open.messageId === messageId);
    if (!turn) return;
    record.openTurns = record.openTurns.filter((open) => open !== turn);
    this.#finish(record, turn, { status: "failed", error: reason });
    this.#bill(record, { ...bill, purpose: "answer", messageId });
    this.#save(record);
  }

  /** A message that a person changed afterwards. Who answers it from now on reads what it says now. */
  edit(messageId: string, text: string): void {
    const { record } = this;
    const message = this.messages.find(messageId);
    if (!record || record.erased || message?.author !== "person" || textOf(message.parts) === text) return;
    const others = message.parts.filter((part) => part.type !== "text");
    this.messages.update({ ...message, parts: [{ type: "text", text }, ...others] });
    this.#tell(record, { type: "message-updated", messageId, status: message.status });
    this.#save(record);
  }

  setDelivery(messageId: string, delivery: Delivery): void {
    const { record } = this;
    if (!record || record.erased || !this.messages.find(messageId)) return;
    this.messages.setDelivery(messageId, delivery);
    this.#tell(record, { type: "delivery-changed", messageId, ...delivery });
    this.#save(record);
  }

  /** Null: the attempt led to none. It is to be paid all the same. */
  setTitle(title: string | null, bill: Bill): void {
    const record = this.#existing();
    this.#bill(record, { ...bill, purpose: "title", messageId: null });
    if (title !== null) this.#tell(record, { type: "title-changed", title });
    this.#save({ ...record, title: title ?? record.title });
  }

  /** Forgets everything but that the traces elsewhere are still to be removed. */
  erase(draft: Draft | null): void {
    const record = this.#existing();
    const [running] = record.openTurns;
    if (running) this.#bill(record, { ...draft?.bill, purpose: "answer", messageId: running.messageId });
    for (const turn of record.openTurns) this.#closed.push(turn.messageId);
    for (const table of ["messages", "events"]) this.#options.sql.exec(`delete from ${table}`);
    for (const { table } of [this.approvals, this.sends, this.#once]) table.clear();
    this.timetable.log.clear();
    this.#save({ ...record, openTurns: [], workingMemory: null, title: null, erased: true, epoch: record.epoch + 1 });
  }

  #accept(record: ThreadRecord, command: PostCommand): Posted {
    const { later } = command;
    const known = command.messages.map(({ id }) => (id === undefined ? null : this.messages.find(id)));
    const fresh = command.messages.filter((_, index) => !known[index]);
    if (fresh.length === 0) {
      const answer = this.messages.answerTo(known.findLast((message) => message !== null)!);
      if (answer) return { kind: "known", messageId: answer.id };
    } else {
      this.timetable.cancelAll("reply");
    }
    for (const { id, text, files = [] } of fresh) {
      const said: MessagePart[] = text === "" && files.length > 0 ? [] : [{ type: "text", text }];
      const attached = files.map((file): MessagePart => ({ type: "file", ...file }));
      const message = this.#newMessage(record, "user", "person", [...said, ...attached], id);
      this.messages.append(message);
      this.#tellCreated(record, message);
    }
    this.#expireApprovals(record);
    this.#countPending(record);
    if (later) return record.mode === "blocked" ? { kind: "unanswered" } : this.#oweLater(command.messages, later);
    if (record.mode !== "auto" || command.unanswered) return { kind: "unanswered" };
    return this.#owe(record, command.posting.debounceMs);
  }

  /** The same messages, sent again, are still answered once. */
  #oweLater(messages: UserMessage[], { dueAt, cancelIfReply }: Later): Posted {
    const text = messages.map((message) => message.text).join("\n");
    const same = this.timetable.log
      .open()
      .find((open) => open.kind === "answer" && open.text === text && open.dueAt === dueAt);
    const plan = {
      kind: "answer" as const,
      text,
      dueAt,
      cancelIfReply,
      createdBy: "person" as const,
      recurrence: null,
    };
    const { id, messageId } = same ?? this.timetable.add(plan);
    return { kind: "scheduled", messageId: messageId!, scheduleId: id };
  }

  #postedAs(messageId: string | null): Posted {
    if (!messageId) return { kind: "unanswered" };
    const schedule = this.timetable.log.findByMessage(messageId);
    if (schedule && isOpen(schedule)) return { kind: "scheduled", messageId, scheduleId: schedule.id };
    return { kind: "known", messageId };
  }

  /** A burst of messages is answered once: the last answer that still waits for its burst to end moves behind them. */
  #owe(record: ThreadRecord, debounceMs: number): Posted {
    const now = this.#options.now();
    const notBefore = debounceMs > 0 ? now + debounceMs : 0;
    const waiting = record.openTurns.at(-1);
    if (waiting && waiting.notBefore > now) {
      waiting.notBefore = notBefore;
      this.messages.moveToEnd(waiting.messageId);
      return { kind: "owed", messageId: waiting.messageId };
    }
    return this.#openTurn(record, notBefore);
  }

  #openTurn(record: ThreadRecord, notBefore: number, id?: string, due?: Due): Posted {
    const answer = { ...this.#newMessage(record, "assistant", "bot", [], id), status: "pending" as const };
    this.messages.append(answer);
    record.openTurns.push({
      messageId: answer.id,
      continues: false,
      recoveries: 0,
      notBefore,
      handedOver: 0,
      ...(due && { due }),
    });
    return { kind: "owed", messageId: answer.id };
  }

  #regenerate(record: ThreadRecord): Posted {
    const last = this.messages.last();
    if (!last) throw new DomainError("conflict", "there is nothing to answer yet");
    if (record.openTurns.length > 0) throw new DomainError("conflict", "an answer is being written");
    if (record.mode !== "auto") return { kind: "unanswered" };
    this.#expireApprovals(record);
    const posted = this.#openTurn(record, 0);
    if (last.role === "assistant") {
      this.messages.remove(last.id);
      if (last.parts.length > 0) record.botMessages -= 1;
    }
    this.#countPending(record);
    return posted;
  }

  #reopen(record: ThreadRecord, messageId: string): void {
    const message = this.messages.find(messageId)!;
    this.messages.update({ ...message, status: "pending", finishReason: null });
    const handedOver = message.parts.length;
    record.openTurns.push({ messageId, continues: true, recoveries: 0, notBefore: 0, handedOver });
    this.#countPending(record);
  }

  #changeMode(record: ThreadRecord, mode: Mode, draft: Draft | null): void {
    const [running, ...waiting] = record.openTurns;
    record.openTurns = [];
    if (running) this.#close(record, running, draft);
    for (const turn of waiting) this.#close(record, turn, null);
    this.#expireApprovals(record);
    if (mode === "blocked") this.timetable.cancelAll("blocked");
    record.mode = mode;
    record.epoch += 1;
    this.#tell(record, { type: "mode-changed", mode });
  }

  /** An answer that a person ended keeps what it had said; where it had said nothing, it never was. */
  #close(record: ThreadRecord, turn: OpenTurn, draft: Draft | null): void {
    this.#closed.push(turn.messageId);
    const message = this.messages.find(turn.messageId)!;
    const parts = draft?.parts ?? message.parts;
    this.#bill(record, { ...draft?.bill, purpose: "answer", messageId: turn.messageId });
    if (parts.length > 0) this.#finish(record, turn, { status: "stopped", parts });
    else this.messages.remove(message.id);
  }

  /** Gives an answer its final state. */
  #finish(record: ThreadRecord, turn: OpenTurn, final: Partial<Message> & { status: MessageStatus }): void {
    const message = { ...this.messages.find(turn.messageId)!, ...final };
    this.messages.update(message);
    const { id: messageId, status } = message;
    if (SENDABLE.has(status)) this.#handOver(record, message, message.parts.slice(turn.handedOver));
    if (turn.continues) this.#tell(record, { type: "message-updated", messageId, status });
    else if (message.parts.length > 0) this.#tellCreated(record, message);
    this.#countPending(record);
  }

  /** Notes what is owed, where anything is. */
  #bill(record: ThreadRecord, bill: Pick<ThreadBill, "purpose" | "messageId"> & Partial<Bill>): void {
    const { hold = null, calls = [], purpose, messageId } = bill;
    if (hold === null && calls.length === 0) return;
    const { botId, personId } = record;
    record.billed += 1;
    const what = { hold, calls, purpose, messageId, botId, personId, createdAt: this.#options.now() };
    // A new list: who carries out the old one must not take this for done.
    record.bills = [...record.bills, { ...what, seq: record.billed }];
  }

  #requestApproval(record: ThreadRecord, messageId: string, request: TurnOutcome["approvals"][number]): void {
    const { id, toolCallId, toolName, args, requestedFrom } = request;
    const createdAt = this.#options.now();
    const what = { id, toolCallId, toolName, args, requestedFrom };
    this.approvals.append({ ...what, messageId, status: "pending", reason: null, createdAt });
    this.#tell(record, { type: "approval-requested", approvalId: id, toolName, requestedFrom });
    if (requestedFrom === "user")
      this.#send(record, messageId, "bot", { type: "approval", approvalId: id, toolName, args });
  }

  /** What was said goes out to the vendor, where the thread belongs to one. */
  #handOver(record: ThreadRecord, { id, author }: Message, parts: MessagePart[]): void {
    const text = textOf(parts);
    if (text.trim() !== "" && author !== "person") this.#send(record, id, author, { type: "text", text });
  }

  #send(record: ThreadRecord, messageId: string, author: "bot" | "operator", body: Outgoing): void {
    if (!record.address) return;
    this.messages.setDelivery(messageId, { status: "waiting", error: null });
    this.#unsent.push({ messageId, author, body });
  }

  #expireApprovals(record: ThreadRecord): void {
    for (const approvalId of this.approvals.expirePending()) {
      this.#tell(record, { type: "approval-decided", approvalId, status: "expired" });
    }
  }

  #tellCreated(record: ThreadRecord, message: Message): void {
    if (message.role === "user") record.userMessages += 1;
    else record.botMessages += 1;
    record.lastMessageAt = Math.max(this.#options.now(), record.lastMessageAt ?? 0);
    const { id: messageId, role, status } = message;
    this.#tell(record, { type: "message-created", messageId, role, status });
  }

  #countPending(record: ThreadRecord): void {
    const pendingCount = this.messages.countPending();
    if (pendingCount === record.pendingCount) return;
    record.pendingCount = pendingCount;
    this.#tell(record, { type: "pending-count", pendingCount });
  }

  #tell(record: ThreadRecord, event: DistributedOmit<ThreadEvent, "threadId">): void {
    this.#events.push({ threadId: record.id, ...event });
  }

  #newMessage(
    record: ThreadRecord,
    role: Message["role"],
    author: Message["author"],
    parts: MessagePart[],
    id = this.#options.newId(),
  ): Message {
    const createdAt = this.#stamp(record);
    record.lastMessageAt = createdAt;
    const status = "complete";
    return {
      id,
      role,
      author,
      status,
      parts,
      createdAt,
      finishReason: null,
      model: null,
      usage: null,
      error: null,
      delivery: null,
    };
  }

  /** Now, but always after the message before: clocks may jump, the order may not. */
  #stamp(record: ThreadRecord): number {
    return Math.max(this.#options.now(), (record.lastMessageAt ?? 0) + 1);
  }

  #newRecord(identity: { projectId: string; threadId: string }, posting: Posting): ThreadRecord {
    return {
      projectId: identity.projectId,
      id: identity.threadId,
      chatId: posting.chatId,
      botId: posting.botId,
      personId: posting.personId,
      address: posting.address ?? null,
      mode: "auto",
      epoch: 1,
      title: null,
      workingMemory: null,
      pendingCount: 0,
      userMessages: 0,
      botMessages: 0,
      lastMessageAt: null,
      createdAt: this.#options.now(),
      types: posting.types,
      openTurns: [],
      projected: 0,
      bills: [],
      billed: 0,
      erased: false,
    };
  }

  /** Of a chat that a vendor's people write to, the operator learns when its bot cannot answer them, and when it can again. */
  #judgeChat(record: ThreadRecord, failure: TurnOutcome["failure"]): void {
    if (!record.address || failure?.isPersonal) return;
    const error = failure && failure.message;
    if ((error !== null) === (record.failing ?? false)) return;
    record.failing = error !== null;
    const status = error === null ? "active" : "error";
    this.#tell(record, { type: "chat-status-changed", chatId: record.chatId, status, error });
  }

  #takePosting(record: ThreadRecord, posting: Posting): void {
    record.failing = posting.failing ?? false;
    record.botId = posting.botId;
    record.personId = posting.personId ?? record.personId;
    record.address = posting.address ?? record.address;
    record.types = posting.types;
  }

  #existing(): ThreadRecord {
    const { record } = this;
    if (!record || record.erased) throw new DomainError("not_found", "this thread does not exist");
    return record;
  }

  /** What goes out carries the epoch that the whole transition ends in: a turn does not fence its own last words. */
  #save(record: ThreadRecord): void {
    this.#record = record;
    const shared = { epoch: record.epoch, createdAt: this.#options.now() };
    for (const send of this.#unsent) this.sends.append({ id: this.#options.newId(), ...send, ...shared });
    this.#unsent = [];
    writeRecord(this.#options.sql, record);
  }
}

type DistributedOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** What of an answer may leave the house: what a person stopped may not. */
const SENDABLE = new Set<MessageStatus>(["complete", "interrupted"]);

const INTERRUPTED = "the server was interrupted while answering";

function requireManual({ mode }: ThreadRecord): void {
  if (mode === "manual") return;
  throw new DomainError("conflict", `the thread is in ${mode} mode; an operator can send in manual mode`);
}

const sumOf = (before: Usage | null, now: Usage): Usage => ({
  inputTokens: (before?.inputTokens ?? 0) + now.inputTokens,
  outputTokens: (before?.outputTokens ?? 0) + now.outputTokens,
});

/** Why something that is due cannot be done now. Null for the chat: it is deleted. */
function obstacleTo(schedule: Schedule, record: ThreadRecord, chat: Pick<LiveChat, "active"> | null): EndReason | null {
  if (record.mode === "blocked") return "blocked";
  if (!chat) return "inactive";
  if (schedule.kind === "send") return null;
  if (!chat.active) return "inactive";
  if (record.mode !== "auto") return "mode";
  return record.openTurns.some(({ due }) => due?.scheduleId === schedule.id) ? "running" : null;
}

const tooManyWaiting = () =>
  new DomainError("limit_exceeded", `${MOST_WAITING} messages are waiting in this thread`, { retryAfterSeconds: 1 });
