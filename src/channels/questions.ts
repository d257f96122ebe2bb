import type { Outgoing } from "../core/channels.ts";
import { truncate } from "../lib/text.ts";

/** Asks a person whether a tool may be used; in Markdown. */
export function approvalQuestion({ toolName, args }: Outgoing & { type: "approval" }): string {
  const details = JSON.stringify(args, null, 2);
  const shown = details === "{}" || details === "null" ? "" : `\n\n\`\`\`json\n${truncate(details, 1500)}\n\`\`\``;
  return `May I do this: **${toolName.replaceAll("_", " ")}**?${shown}`;
}
