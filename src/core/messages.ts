export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type FinishReason = "stop" | "tool-calls" | "length";

/**
 * `pending`: nothing has been said yet. `streaming`: partly said. The others are final: `interrupted` by a failure of
 * ours or of the model, `failed` before a word was said, `stopped` by a person.
 */
export type MessageStatus = "pending" | "streaming" | "complete" | "interrupted" | "failed" | "stopped";

export type ToolOutcome = "ok" | "failed" | "denied";

/** A file that came with a message; it is kept under its id. */
export type MessageFile = { id: string; name: string; mediaType: string; sizeBytes: number };

/** A passage that an answer stands on. `number` is what the answer calls it, as in "[1]". */
export type Citation = {
  number: number;
  storeId: string;
  documentId: string;
  filename: string;
  headings: string[];
  place: string | null;
  text: string;
  score: number;
};

export type MessagePart =
  | { type: "text"; text: string }
  | ({ type: "file" } & MessageFile)
  | ({ type: "source" } & Citation)
  | { type: "tool-call"; toolCallId: string; toolName: string; args: Json }
  | { type: "tool-result"; id: string; toolCallId: string; toolName: string; result: Json; outcome: ToolOutcome };

export type Usage = { inputTokens: number; outputTokens: number };

/**
 * How far a message has come on its way to the vendor: `waiting` for its turn or for the vendor, `sent`, `failed` for
 * good, `cancelled` by a takeover or with its integration.
 */
export type Delivery = { status: "waiting" | "sent" | "failed" | "cancelled"; error: string | null };

export type Message = {
  id: string;
  role: "user" | "assistant";
  author: "person" | "bot" | "operator";
  status: MessageStatus;
  parts: MessagePart[];
  createdAt: number;
  finishReason: FinishReason | null;
  /** The model that answered, and what it used; null for what no model wrote. */
  model: string | null;
  usage: Usage | null;
  error: string | null;
  /** How far it has come on its way to a vendor; null where it goes to none. */
  delivery: Delivery | null;
};

/** The tool that keeps a bot's notes; what it does is not part of the conversation. */
export const WORKING_MEMORY_TOOL = "update_working_memory";

/** What a message says, without its tool traffic. */
export const textOf = (parts: MessagePart[]) => parts.map((part) => (part.type === "text" ? part.text : "")).join("");

/** A tool's result as a sentence, where it is one; else as JSON. */
export const resultText = (result: Json): string => (typeof result === "string" ? result : JSON.stringify(result));
