import type { Json } from "./messages.ts";

export type ApprovalStatus = "pending" | "approved" | "rejected" | "expired";

/** A tool call that a person must allow. It holds for these arguments only, and is decided once. */
export type Approval = {
  id: string;
  messageId: string;
  toolCallId: string;
  toolName: string;
  args: Json;
  requestedFrom: "user" | "operator";
  status: ApprovalStatus;
  reason: string | null;
  createdAt: number;
};

export type Decision = {
  approvalId: string;
  approved: boolean;
  reason: string | null;
  /** `user`: the decision came through the conversation itself and does not hold for what an operator must decide. */
  by: "user" | "operator";
};
