import type { Planning } from "../agent/tool.ts";
import type { TurnInput, TurnOutcome } from "../agent/turn.ts";
import type { LiveChat } from "../core/access.ts";
import type { Approval, Decision } from "../core/approvals.ts";
import type { BotSettings } from "../core/bot-settings.ts";
import { DomainError, notFound } from "../core/errors.ts";
import { textOf, type Delivery, type Message, type MessagePart } from "../core/messages.ts";
import type { Bill } from "../core/billing/model-calls.ts";
import type { Later, OnceKey, PostCommand, UserMessage } from "../core/ports.ts";
import {
  isOpen,
  type EndReason,
  type Schedule,
  type ScheduleChanges,
  type SchedulePlan,
} from "../core/schedules/schedule-state.ts";
import type { Mode } from "../core/thread-state.ts";
import type { ApprovalLog } from "./approval-log.ts";
import { ApprovalRules } from "./approval-rules.ts";
import type { LoggedMessage, MessageLog } from "./message-log.ts";
import type { SendLog } from "./send-log.ts";
import { ThreadBook, type BookOptions, type Transition } from "./thread-book.ts";
import { newRecord, takePosting, type LoggedBill, type ThreadRecord } from "./thread-record.ts";
import { Timetable } from "./timetable.ts";
import { TurnRules, type Draft } from "./turn-rules.ts";

const MOST_WAITING = 50;

/** What a post led to: an answer that is owed, one that was given or is being given already, one that comes later, or none at all. */
export type Posted =
  | { kind: "owed" | "known"; messageId: string }
  | { kind: "scheduled"; messageId: string; scheduleId: string }
  | { kind: "unanswered" };

/**
 * The rules of a thread, over its tables: which messages it accepts, whose turn it is, what may be committed. Every method
 * is one transition, to be run in one transaction; it is synchronous and knows no clock, no network and no model.
 */
export class ThreadMachine {
  readonly timetable: Timetable;
  readonly #book: ThreadBook;
  readonly #turns: TurnRules;
  readonly #decisions: ApprovalRules;

  constructor(options: BookOptions) {
    this.#book = new ThreadBook(options);
    this.timetable = new Timetable({ ...options, tell: (event) => this.#book.tell(event) });
    this.#turns = new TurnRules(this.#book, this.timetable);
    this.#decisions = new ApprovalRules(this.#book, this.#turns);
  }

  get messages(): MessageLog {
    return this.#book.messages;
  }

  get approvals(): ApprovalLog {
    return this.#book.approvals;
  }

  get sends(): SendLog {
    return this.#book.sends;
  }

  /** Null: nothing was written yet. */
  get record(): ThreadRecord | null {
    return this.#book.record;
  }

  /** What is owed for model calls and has not been passed on. */
  get bills(): readonly LoggedBill[] {
    return this.record?.bills ?? [];
  }

  /** To be called when a transaction was rolled back, or the tables are gone: what is in memory is not what is stored. */
  reread(): void {
    this.#book.reread();
    this.timetable.log.reread();
  }

  /** Runs a transition and gathers what it did. */
  transition<T>(run: () => T): Transition<T> {
    return this.#book.transition(run);
  }

  /** Notes up to which row of the event log, and which bill, everything is known everywhere. */
  markProjected(seq: number, bill: number): void {
    const { record } = this;
    if (!record) return;
    record.projected = Math.max(record.projected, seq);
    record.bills = record.bills.filter((other) => other.seq > bill);
    this.#book.save(record);
  }

  post(identity: { projectId: string; threadId: string }, command: PostCommand): Posted {
    const record = this.record ?? this.#book.begin(newRecord(identity, command.posting, this.#book.now()));
    if (record.chatId !== command.posting.chatId) throw notFound("thread", identity.threadId);
    const repeated = this.#repeated(command.once);
    if (repeated) return this.#postedAs(repeated.messageId);
    if (record.mode === "auto" && record.openTurns.length >= MOST_WAITING) throw tooManyWaiting();
    takePosting(record, command.posting);
    const posted = command.regenerate
      ? answered(this.#turns.regenerate(record, command.anew))
      : (this.#reword(record, command) ?? this.#accept(record, command));
    this.#remember(command.once, posted.kind === "unanswered" ? null : posted.messageId);
    this.#book.save(record);
    return posted;
  }

  /** Everything that a turn needs to know of the thread. */
  turnInput(messageId: string, settings: BotSettings, planning: Planning | null): TurnInput {
    const answer = this.messages.find(messageId)!;
    const carriedOut = new Set(answer.parts.map((part) => part.type === "tool-result" && part.toolCallId));
    const messages = this.messages.before(answer, settings.memory.lastMessages);
    return {
      settings,
      workingMemory: this.record!.workingMemory,
      due: this.record!.openTurns.find((turn) => turn.messageId === messageId)?.due ?? null,
      planning,
      messages,
      seenFrom: messages[0]?.seq ?? answer.seq,
      parts: answer.parts,
      decided: this.approvals.ofMessage(messageId).filter(({ toolCallId }) => !carriedOut.has(toolCallId)),
    };
  }

  /**
   * Makes an outcome final. False, and nothing happens, when the turn is not the thread's running one any more or began
   * before a change of mode.
   */
  commit(messageId: string, epoch: number, outcome: TurnOutcome, bill: Bill): boolean {
    const { record } = this;
    if (!record || !this.#turns.commit(record, messageId, epoch, outcome, bill)) return false;
    this.#book.save(record);
    return true;
  }

  /** `draft` is what the running answer has said so far; it stays, as far as it was said. */
  setMode(mode: Mode, draft: Draft | null, once: OnceKey | null): void {
    const record = this.#book.existing();
    if (this.#repeated(once)) return;
    this.#remember(once, null);
    if (record.mode === mode) return;
    this.#turns.changeMode(record, mode, draft);
    this.#book.save(record);
  }

  /** Ends the running answer; those that wait behind it get their turn. */
  stop(draft: Draft | null, once: OnceKey | null): boolean {
    const record = this.#book.existing();
    const repeated = this.#repeated(once);
    if (repeated) return repeated.messageId !== null;
    const turn = record.openTurns.shift();
    this.#remember(once, turn?.messageId ?? null);
    if (!turn) return false;
    this.#turns.close(record, turn, draft);
    this.#book.save(record);
    return true;
  }

  send(text: string, once: OnceKey | null): LoggedMessage {
    const record = this.#book.existing();
    const repeated = this.#repeated(once);
    if (repeated?.messageId) return this.messages.find(repeated.messageId)!;
    requireManual(record);
    const message = this.#sendNow(text);
    this.#remember(once, message.id);
    this.#book.save(record);
    return this.messages.find(message.id)!;
  }

  #sendNow(text: string, id?: string): Message {
    const message = this.#book.newMessage({ role: "assistant", author: "operator" }, [{ type: "text", text }], { id });
    this.messages.append(message);
    this.#book.tellCreated(message);
    this.#book.handOver(message, message.parts);
    this.#book.countPending();
    return message;
  }

  /** An operator's message is allowed as it is now; at its time only a blocked thread refuses it. */
  schedule(plan: SchedulePlan, once: OnceKey | null): Schedule {
    const record = this.#book.existing();
    const repeated = this.#repeated(once);
    if (repeated?.messageId) return this.timetable.log.find(repeated.messageId)!;
    if (plan.kind === "send") requireManual(record);
    if (record.mode === "blocked") throw new DomainError("conflict", "the thread is blocked");
    const schedule = this.timetable.add(plan);
    this.#remember(once, schedule.id);
    return schedule;
  }

  changeSchedule(id: string, changes: ScheduleChanges): Schedule {
    this.#book.existing();
    return this.timetable.change(id, changes);
  }

  cancelSchedule(id: string): Schedule {
    this.#book.existing();
    return this.timetable.cancel(id);
  }

  /** Does what is due, as far as thread and chat allow it now, and plans it anew where it recurs. Answers what is owed by it. */
  fire(id: string, chat: Pick<LiveChat, "active" | "failing"> | null): string | null {
    const record = this.#book.existing();
    const schedule = this.timetable.takeDue(id);
    if (!schedule) return null;
    if (this.timetable.isMissed(schedule)) return (this.timetable.missed(schedule), null);
    const obstacle = obstacleTo(schedule, record, chat);
    if (obstacle) return (this.timetable.skipped(schedule, obstacle), null);
    const messageId = schedule.messageId ?? this.#book.newId();
    this.timetable.ran(schedule, messageId);
    const { kind, text, createdAt: plannedAt, followUp } = schedule;
    record.failing = chat!.failing;
    const due = { scheduleId: id, kind, text, plannedAt, ...(followUp && { followUp }) };
    if (kind === "send") this.#sendNow(text, messageId);
    else this.#turns.open(record, { id: messageId, due });
    this.#book.save(record);
    return kind === "send" ? null : messageId;
  }

  /** Decides one tool call. `resumed`: the answer that goes on now, since this was the last decision it waited for. */
  decide(decision: Decision): { approval: Approval; resumed: string | null } {
    const record = this.#book.existing();
    const decided = this.#decisions.decide(record, decision);
    this.#book.save(record);
    return decided;
  }

  /** Decides what has not been decided so before. Answers the message that goes on by it, now or already; null: it waits for more. */
  decideAll(decisions: Decision[]): { messageId: string; isResumed: boolean } | null {
    const record = this.#book.existing();
    const resumption = this.#decisions.decideAll(record, decisions);
    this.#book.save(record);
    return resumption;
  }

  /** After a crash or an eviction: what was being answered is interrupted, or begins again. */
  recover(): void {
    const { record } = this;
    const [turn] = record?.openTurns ?? [];
    if (!record || !turn) return;
    this.#turns.recover(record, turn);
    this.#book.save(record);
  }

  /** A turn that cannot be run, for a reason that has nothing to do with the thread. */
  abandon(messageId: string, reason: string, bill: Bill): void {
    const record = this.#book.existing();
    const turn = record.openTurns.find((open) => open.messageId === messageId);
    if (!turn) return;
    this.#turns.abandon(record, turn, reason, bill);
    this.#book.save(record);
  }

  /** A message that a person changed afterwards. Who answers it from now on reads what it says now. */
  edit(messageId: string, text: string): void {
    const { record } = this;
    const message = this.messages.find(messageId);
    if (!record || record.erased || message?.author !== "person" || textOf(message.parts) === text) return;
    const others = message.parts.filter((part) => part.type !== "text");
    this.messages.update({ ...message, parts: [{ type: "text", text }, ...others] });
    this.#book.tell({ type: "message-updated", messageId, status: message.status });
    this.#book.save(record);
  }

  setDelivery(messageId: string, delivery: Delivery): void {
    const { record } = this;
    if (!record || record.erased || !this.messages.find(messageId)) return;
    this.messages.setDelivery(messageId, delivery);
    this.#book.tell({ type: "delivery-changed", messageId, ...delivery });
    this.#book.save(record);
  }

  /** Null: the attempt led to none. It is to be paid all the same. */
  setTitle(title: string | null, bill: Bill): void {
    const record = this.#book.existing();
    this.#book.bill({ ...bill, purpose: "title", messageId: null });
    if (title !== null) this.#book.tell({ type: "title-changed", title });
    record.title = title ?? record.title;
    this.#book.save(record);
  }

  /** Forgets everything but that the traces elsewhere are still to be removed. */
  erase(draft: Draft | null): void {
    const record = this.#book.existing();
    const [running] = record.openTurns;
    if (running) this.#book.bill({ ...draft?.bill, purpose: "answer", messageId: running.messageId });
    for (const turn of record.openTurns) this.#book.tellClosed(turn.messageId);
    this.#book.clear();
    this.timetable.log.clear();
    const nothing = { openTurns: [], workingMemory: null, title: null };
    this.#book.save(Object.assign(record, nothing, { erased: true, epoch: record.epoch + 1 }));
  }

  /** Where a person's message says something else now, it is answered anew. Null: it does not. */
  #reword(record: ThreadRecord, { anew, messages, unanswered }: PostCommand): Posted | null {
    const stored = anew === undefined ? null : this.messages.find(anew);
    const [said] = messages;
    if (!said || stored?.author !== "person" || textOf(stored.parts) === said.text) return null;
    if (record.mode !== "auto" || unanswered)
      throw new DomainError(
        "conflict",
        `the thread is in ${record.mode} mode; what was said can be changed in auto mode`,
      );
    this.timetable.cancelAll("reply");
    const messageId = this.#turns.answerAnew(record, stored.seq + 1);
    this.edit(stored.id, said.text);
    return answered(messageId);
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
    for (const message of fresh) this.#append(message);
    this.#book.expireApprovals();
    this.#book.countPending();
    if (later) return record.mode === "blocked" ? { kind: "unanswered" } : this.#oweLater(command.messages, later);
    if (record.mode !== "auto" || command.unanswered) return { kind: "unanswered" };
    return { kind: "owed", messageId: this.#turns.owe(record, command.posting.debounceMs) };
  }

  #append({ id, text, files = [] }: UserMessage): void {
    const said: MessagePart[] = text === "" && files.length > 0 ? [] : [{ type: "text", text }];
    const attached = files.map((file): MessagePart => ({ type: "file", ...file }));
    const message = this.#book.newMessage({ role: "user", author: "person" }, [...said, ...attached], { id });
    this.messages.append(message);
    this.#book.tellCreated(message);
  }

  /** The same messages, sent again, are still answered once. */
  #oweLater(messages: UserMessage[], { dueAt, cancelIfReply }: Later): Posted {
    const text = messages.map((message) => message.text).join("\n");
    const same = this.timetable.log
      .open()
      .find((open) => open.kind === "answer" && open.text === text && open.dueAt === dueAt);
    const plan = { kind: "answer", text, dueAt, cancelIfReply, createdBy: "person", recurrence: null } as const;
    const { id, messageId } = same ?? this.timetable.add(plan);
    return { kind: "scheduled", messageId: messageId!, scheduleId: id };
  }

  #postedAs(messageId: string | null): Posted {
    if (!messageId) return { kind: "unanswered" };
    const schedule = this.timetable.log.findByMessage(messageId);
    if (schedule && isOpen(schedule)) return { kind: "scheduled", messageId, scheduleId: schedule.id };
    return { kind: "known", messageId };
  }

  #repeated(once: OnceKey | null) {
    return this.#book.once.find(once, this.#book.now());
  }

  #remember(once: OnceKey | null, messageId: string | null): void {
    this.#book.once.record(once, messageId, this.#book.now());
  }
}

const answered = (messageId: string | null): Posted =>
  messageId === null ? { kind: "unanswered" } : { kind: "owed", messageId };

const tooManyWaiting = () =>
  new DomainError("limit_exceeded", `${MOST_WAITING} messages are waiting in this thread`, { retryAfterSeconds: 1 });

function requireManual({ mode }: ThreadRecord): void {
  if (mode === "manual") return;
  throw new DomainError("conflict", `the thread is in ${mode} mode; an operator can send in manual mode`);
}

/** Why something that is due cannot be done now. Null for the chat: it is deleted. */
function obstacleTo(schedule: Schedule, record: ThreadRecord, chat: Pick<LiveChat, "active"> | null): EndReason | null {
  if (record.mode === "blocked") return "blocked";
  if (!chat) return "inactive";
  if (schedule.kind === "send") return null;
  if (!chat.active) return "inactive";
  if (record.mode !== "auto") return "mode";
  return record.openTurns.some(({ due }) => due?.scheduleId === schedule.id) ? "running" : null;
}
