import type { CitationData } from "./knowledge/citations.ts";
import type { FinishReason, Json } from "./messages.ts";

/**
 * The pieces of one answer as it is made, in order. They reach the client as server-sent events; a dialect whose wire
 * format differs translates them.
 */
export type TurnEvent =
  | { type: "start"; messageId: string }
  | { type: "text-delta"; textDelta: string }
  | { type: "reasoning-delta"; textDelta: string }
  | { type: "tool-call"; toolCallId: string; toolName: string; args: Json }
  | { type: "tool-approval-request"; approvalId: string; toolCallId: string }
  | { type: "tool-result"; toolCallId: string; toolName: string; result: Json; outcome?: "failed" | "denied" }
  | { type: "step-finish" }
  | { type: "finish"; finishReason: FinishReason; citations?: CitationData[] }
  | { type: "error"; error: string };

export type TurnEventType = TurnEvent["type"];

/** What a reader gets who did not say what it understands. */
export const TURN_EVENT_TYPES: readonly TurnEventType[] = ["text-delta", "tool-call", "tool-result", "finish", "error"];

/** A turn event with its place: `<message>.<event>.<text>`, the last being how many characters of text came before it ends. */
export type PlacedTurnEvent = { id: string; event: TurnEvent };

export const turnEventFrame = ({ id, event }: PlacedTurnEvent) => `id: ${id}\ndata: ${JSON.stringify(event)}\n\n`;
