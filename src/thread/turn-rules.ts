import type { TurnOutcome } from "../agent/turn.ts";
import { DomainError } from "../core/errors.ts";
import type { Message, MessagePart, MessageStatus, Usage } from "../core/messages.ts";
import type { Bill } from "../core/billing/model-calls.ts";
import type { Due } from "../core/schedules/schedule-state.ts";
import type { Mode } from "../core/thread-state.ts";
import type { LoggedMessage } from "./message-log.ts";
import type { ThreadBook } from "./thread-book.ts";
import type { OpenTurn, ThreadRecord } from "./thread-record.ts";
import type { Timetable } from "./timetable.ts";

const MOST_RECOVERIES = 3;

/** What the running answer has said so far, null: nothing; and what it owes already. */
export type Draft = { parts: MessagePart[] | null; bill: Bill };

type Opening = { notBefore?: number; id?: string | undefined; due?: Due };

/**
 * Whose turn it is: which answers a thread owes, in which order, how each of them ends, and that a bot is silent after a
 * takeover. Whoever calls this saves the record.
 */
export class TurnRules {
  readonly #book: ThreadBook;
  readonly #timetable: Timetable;

  constructor(book: ThreadBook, timetable: Timetable) {
    this.#book = book;
    this.#timetable = timetable;
  }

  /** A burst of messages is answered once: the last answer that still waits for its burst to end moves behind them. */
  owe(record: ThreadRecord, debounceMs: number): string {
    const now = this.#book.now();
    const notBefore = debounceMs > 0 ? now + debounceMs : 0;
    const waiting = record.openTurns.at(-1);
    if (!waiting || waiting.notBefore <= now) return this.open(record, { notBefore });
    waiting.notBefore = notBefore;
    this.#book.messages.moveToEnd(waiting.messageId);
    return waiting.messageId;
  }

  open(record: ThreadRecord, { notBefore = 0, id, due }: Opening = {}): string {
    const answer = this.#book.newMessage({ role: "assistant", author: "bot" }, [], { id, status: "pending" });
    this.#book.messages.append(answer);
    const begun = { continues: false, recoveries: 0, notBefore, handedOver: 0 };
    record.openTurns.push({ messageId: answer.id, ...begun, ...(due && { due }) });
    return answer.id;
  }

  /** An answer, or the last, is given anew; what came after it is taken back. Null: the bot is silent now. */
  regenerate(record: ThreadRecord, asked: string | undefined): string | null {
    const { messages } = this.#book;
    const old = (asked !== undefined && messages.find(asked)) || messages.last();
    if (!old) throw new DomainError("conflict", "there is nothing to answer yet");
    return this.answerAnew(record, old.role === "user" ? old.seq + 1 : old.seq);
  }

  /** Takes back what was said from this place on, and answers what is left. Null: the bot is silent now. */
  answerAnew(record: ThreadRecord, from: number): string | null {
    if (record.openTurns.length > 0) throw new DomainError("conflict", "an answer is being written");
    if (record.mode !== "auto") return null;
    const taken = this.#book.messages.since(from);
    if (taken.some(({ author }) => author === "operator"))
      throw new DomainError("conflict", "an operator has answered since");
    this.#book.expireApprovals();
    const messageId = this.open(record);
    for (const message of taken) this.#takeAway(record, message);
    this.#book.countPending();
    return messageId;
  }

  /** What was told of is told to be gone. */
  #takeAway(record: ThreadRecord, { id, seq, role, parts }: LoggedMessage): void {
    this.#book.messages.remove(id);
    if (parts.length === 0) return;
    this.#book.tell({ type: "message-deleted", messageId: id, seq });
    if (role === "user") record.userMessages -= 1;
    else record.botMessages -= 1;
  }

  /** An answer that was given in part goes on. */
  reopen(record: ThreadRecord, messageId: string): void {
    const message = this.#book.messages.find(messageId)!;
    this.#book.messages.update({ ...message, status: "pending", finishReason: null });
    const handedOver = message.parts.length;
    record.openTurns.push({ messageId, continues: true, recoveries: 0, notBefore: 0, handedOver });
    this.#book.countPending();
  }

  /**
   * Makes an outcome final. False, and nothing happens, when the turn is not the thread's running one any more or began
   * before a change of mode: the fence that keeps a bot silent after a takeover. Whoever ended it has billed it, too.
   */
  commit(record: ThreadRecord, messageId: string, epoch: number, outcome: TurnOutcome, bill: Bill): boolean {
    if (record.epoch !== epoch || record.openTurns[0]?.messageId !== messageId) return false;
    const [turn] = record.openTurns.splice(0, 1) as [OpenTurn];
    const before = turn.continues ? this.#book.messages.find(messageId)!.usage : null;
    this.#finish(record, turn, finalOf(outcome, before));
    this.#book.bill({ ...bill, purpose: "answer", messageId });
    for (const request of outcome.approvals) this.#requestApproval(messageId, request);
    record.workingMemory = outcome.control.workingMemory ?? record.workingMemory;
    this.#plan(record, outcome, turn);
    this.#judgeChat(record, outcome.failure);
    if (outcome.control.mode) this.changeMode(record, outcome.control.mode, null);
    return true;
  }

  changeMode(record: ThreadRecord, mode: Mode, draft: Draft | null): void {
    const [running, ...waiting] = record.openTurns;
    record.openTurns = [];
    if (running) this.close(record, running, draft);
    for (const turn of waiting) this.close(record, turn, null);
    this.#book.expireApprovals();
    if (mode === "blocked") this.#timetable.cancelAll("blocked");
    record.mode = mode;
    record.epoch += 1;
    this.#book.tell({ type: "mode-changed", mode });
  }

  /** An answer that a person ended keeps what it had said; where it had said nothing, it never was. */
  close(record: ThreadRecord, turn: OpenTurn, draft: Draft | null): void {
    this.#book.tellClosed(turn.messageId);
    const message = this.#book.messages.find(turn.messageId)!;
    const parts = draft?.parts ?? message.parts;
    this.#book.bill({ ...draft?.bill, purpose: "answer", messageId: turn.messageId });
    if (parts.length > 0) this.#finish(record, turn, { status: "stopped", parts });
    else this.#book.messages.remove(message.id);
  }

  /**
   * After a crash or an eviction: an answer that had begun is interrupted as it stands; one that had not said a word is
   * still owed, but not for ever.
   */
  recover(record: ThreadRecord, turn: OpenTurn): void {
    const message = this.#book.messages.find(turn.messageId)!;
    turn.recoveries += 1;
    const status = this.#takeBack(record, turn, message);
    if (status !== "streaming" && turn.recoveries <= MOST_RECOVERIES) return;
    this.#billAsStored(turn.messageId);
    record.openTurns.shift();
    this.#finish(record, turn, { status: status === "pending" ? "failed" : "interrupted", error: INTERRUPTED });
  }

  /** A turn that cannot be run, for a reason that has nothing to do with the thread. */
  abandon(record: ThreadRecord, turn: OpenTurn, error: string, bill: Bill): void {
    record.openTurns = record.openTurns.filter((open) => open !== turn);
    this.#finish(record, turn, { status: "failed", error });
    this.#book.bill({ ...bill, purpose: "answer", messageId: turn.messageId });
  }

  /** A vendor's person sees an answer when it is whole: of one that was cut off nothing has been seen, and it begins again. */
  #takeBack(record: ThreadRecord, turn: OpenTurn, message: LoggedMessage): MessageStatus {
    const hasActed = message.parts.slice(turn.handedOver).some((part) => part.type !== "text");
    if (!record.address || message.status !== "streaming" || hasActed) return message.status;
    this.#billAsStored(message.id);
    this.#book.messages.update({ ...message, status: "pending", parts: message.parts.slice(0, turn.handedOver) });
    return "pending";
  }

  #billAsStored(messageId: string): void {
    this.#book.bill({ ...this.#book.messages.billOf(messageId), purpose: "answer", messageId });
  }

  /** Gives an answer its final state. */
  #finish(record: ThreadRecord, turn: OpenTurn, final: Partial<Message> & { status: MessageStatus }): void {
    const message = { ...this.#book.messages.find(turn.messageId)!, ...final };
    this.#book.messages.update(message);
    const { id: messageId, status } = message;
    if (SENDABLE.has(status)) this.#book.handOver(message, message.parts.slice(turn.handedOver));
    if (turn.continues) this.#book.tell({ type: "message-updated", messageId, status });
    else if (message.parts.length > 0) this.#book.tellCreated(message);
    this.#book.countPending();
  }

  /** What a bot planned counts once its answer does. After an answer that waits for nothing but the person, silence may be broken. */
  #plan(record: ThreadRecord, { control, status, approvals, followUp }: TurnOutcome, { due }: OpenTurn): void {
    for (const id of control.cancelledPlans) this.#timetable.cancelIfOpen(id);
    for (const plan of control.plans) if (this.#timetable.hasRoom) this.#timetable.add(plan);
    const waits = status === "complete" && approvals.length === 0 && !control.mode && record.openTurns.length === 0;
    if (waits && followUp) this.#timetable.followUp(followUp, due?.followUp ?? 0);
  }

  #requestApproval(messageId: string, request: TurnOutcome["approvals"][number]): void {
    const { id, toolCallId, toolName, args, requestedFrom } = request;
    const what = { id, toolCallId, toolName, args, requestedFrom };
    const createdAt = this.#book.now();
    this.#book.approvals.append({ ...what, messageId, status: "pending", reason: null, createdAt });
    this.#book.tell({ type: "approval-requested", approvalId: id, toolName, requestedFrom });
    const question = { type: "approval" as const, approvalId: id, toolName, args };
    if (requestedFrom === "user") this.#book.send(messageId, "bot", question);
  }

  /** Of a chat that a vendor's people write to, the operator learns when its bot cannot answer them, and when it can again. */
  #judgeChat(record: ThreadRecord, failure: TurnOutcome["failure"]): void {
    if (!record.address || failure?.isPersonal) return;
    const error = failure && failure.message;
    if ((error !== null) === (record.failing ?? false)) return;
    record.failing = error !== null;
    const status = error === null ? "active" : "error";
    this.#book.tell({ type: "chat-status-changed", chatId: record.chatId, status, error });
  }
}

/** What of an answer may leave the house: what a person stopped may not. */
const SENDABLE = new Set<MessageStatus>(["complete", "interrupted"]);

const INTERRUPTED = "the server was interrupted while answering";

/** `before`: what the answer had used when it was left off to wait. */
const finalOf = ({ status, parts, finishReason, model, usage, failure }: TurnOutcome, before: Usage | null) => ({
  status,
  parts,
  finishReason,
  model,
  usage: before ? sumOf(before, usage) : usage,
  error: failure?.message ?? null,
});

const sumOf = (before: Usage, now: Usage): Usage => ({
  inputTokens: before.inputTokens + now.inputTokens,
  outputTokens: before.outputTokens + now.outputTokens,
});
