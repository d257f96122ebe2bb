import type { Due } from "../core/schedules/schedule-state.ts";

/** How a bot is told that something it, or somebody else, has planned is due now. */
export function dueNote({ kind, text, plannedAt }: Due): string {
  const planned = new Date(plannedAt).toISOString();
  return kind === "answer"
    ? `[It is time to answer what the person wrote at ${planned}: ${JSON.stringify(text)}]`
    : `[This is not from the person. At ${planned} the following was scheduled, and it is due now: ${text}
Write the message that the person shall get now, and nothing about this note.]`;
}
