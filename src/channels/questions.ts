import type { Outgoing } from "../core/channels/channels.ts";
import { truncate } from "../lib/text.ts";

type Question = Outgoing & { type: "approval" };

/** Asks a person whether a tool may be used; in Markdown. */
export function approvalQuestion({ toolName, args }: Question): string {
  const details = JSON.stringify(args, null, 2);
  const shown = details === "{}" || details === "null" ? "" : `\n\n\`\`\`json\n${truncate(details, 500)}\n\`\`\``;
  return `May I do this: **${toolName.replaceAll("_", " ")}**?${shown}`;
}

/** What is said to a person who has no buttons: they are asked for a word. */
export const withoutButtons = (outgoing: Outgoing): string =>
  outgoing.type === "text" ? outgoing.text : `${approvalQuestion(outgoing)}\n\nPlease answer “yes” or “no”.`;

export const YES = { label: "✅ Yes", approved: true };
export const NO = { label: "❌ No", approved: false };

/** What a button carries, for vendors that give it back as it is. */
export const decisionPayload = (approvalId: string, approved: boolean) => `ap:${approvalId}:${approved ? 1 : 0}`;

export function readDecisionPayload(payload: unknown): { approvalId: string; approved: boolean } | null {
  const [, approvalId, answer] = /^ap:([\w-]+):([01])$/.exec(typeof payload === "string" ? payload : "") ?? [];
  return approvalId ? { approvalId, approved: answer === "1" } : null;
}
