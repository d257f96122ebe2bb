import type { Approval, Decision } from "../core/approvals.ts";
import { DomainError, notFound } from "../core/errors.ts";
import type { ThreadBook } from "./thread-book.ts";
import type { ThreadRecord } from "./thread-record.ts";
import type { TurnRules } from "./turn-rules.ts";

/** Who may decide about a tool call, and which answer goes on by it. Whoever calls this saves the record. */
export class ApprovalRules {
  readonly #book: ThreadBook;
  readonly #turns: TurnRules;

  constructor(book: ThreadBook, turns: TurnRules) {
    this.#book = book;
    this.#turns = turns;
  }

  /** `resumed`: the answer that goes on now, since this was the last decision it waited for. */
  decide(record: ThreadRecord, decision: Decision): { approval: Approval; resumed: string | null } {
    const approval = this.#find(decision);
    const { id, messageId } = approval;
    if (approval.status !== "pending") throw new DomainError("conflict", `this approval is ${approval.status} already`);
    const status = statusOf(decision);
    this.#book.approvals.decide(id, status, decision.reason);
    this.#book.tell({ type: "approval-decided", approvalId: id, status });
    const resumed = this.#waits(messageId) ? null : messageId;
    if (resumed) this.#turns.reopen(record, resumed);
    return { approval: this.#book.approvals.find(id)!, resumed };
  }

  /**
   * The same for all that a person's client says was decided, which it says again with whatever is decided later. Answers
   * the message that goes on by it, now or already; null: it waits for more.
   */
  decideAll(record: ThreadRecord, decisions: Decision[]): { messageId: string; isResumed: boolean } | null {
    let [messageId, isResumed] = ["", false];
    for (const decision of decisions) {
      const approval = this.#find(decision);
      messageId = approval.messageId;
      if (approval.status !== statusOf(decision)) isResumed = this.decide(record, decision).resumed !== null;
    }
    return this.#waits(messageId) ? null : { messageId, isResumed };
  }

  #find({ approvalId, by }: Decision): Approval {
    const approval = this.#book.approvals.find(approvalId);
    if (!approval) throw notFound("approval", approvalId);
    if (by === "user" && approval.requestedFrom !== "user") {
      throw new DomainError("forbidden", "only an operator may decide this");
    }
    return approval;
  }

  #waits(messageId: string): boolean {
    return this.#book.approvals.ofMessage(messageId).some(({ status }) => status === "pending");
  }
}

const statusOf = ({ approved }: Decision) => (approved ? "approved" : "rejected");
