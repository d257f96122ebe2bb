import type { BotSettings } from "../core/bot-settings.ts";
import { WORKING_MEMORY_TOOL, type Json, type MessagePart, type ToolOutcome } from "../core/messages.ts";
import type { TurnEvent } from "../core/turn-events.ts";
import { textFilter, type TextFilter } from "./formatting.ts";

type Say = (events: TurnEvent[], parts: MessagePart[]) => void;
type ToolCall = { toolCallId: string; toolName: string; args: Json };

/** An answer in the making: what it says so far, and what of it has not been passed on yet. */
export class Draft {
  readonly parts: MessagePart[];
  /** Whether anything of this run may have reached a reader. */
  hasSpoken = false;
  readonly #formatting: BotSettings["formatting"];
  readonly #say: Say;
  #filter: TextFilter;
  #unsaid: TurnEvent[] = [];

  constructor(parts: MessagePart[], formatting: BotSettings["formatting"], say: Say) {
    this.parts = [...parts];
    this.#formatting = formatting;
    this.#say = say;
    this.#filter = textFilter(formatting);
  }

  addText(delta: string): void {
    this.#addPlain(this.#filter.push(delta));
  }

  /** Ends a run of text: what the filter held back is said after all. */
  endText(): void {
    this.#addPlain(this.#filter.end());
    this.#filter = textFilter(this.#formatting);
    this.flush();
  }

  addReasoning(textDelta: string): void {
    this.#unsaid.push({ type: "reasoning-delta", textDelta });
  }

  /** Input that is no JSON is passed on as it is, for the tool to refuse. */
  addToolCall(call: { toolCallId: string; toolName: string; input: string }): ToolCall {
    this.endText();
    const { toolCallId, toolName } = call;
    const known = { toolCallId, toolName, args: parseJson(call.input) };
    this.parts.push({ type: "tool-call", ...known });
    if (toolName !== WORKING_MEMORY_TOOL) this.#unsaid.push({ type: "tool-call", ...known });
    return known;
  }

  addToolResult(done: { id: string; toolCallId: string; toolName: string; result: Json; outcome: ToolOutcome }): void {
    const { id, toolCallId, toolName, result, outcome } = done;
    this.parts.push({ type: "tool-result", id, toolCallId, toolName, result, outcome });
    if (toolName === WORKING_MEMORY_TOOL) return;
    const event = { type: "tool-result" as const, toolCallId, toolName, result };
    this.say([outcome === "ok" ? event : { ...event, outcome }]);
  }

  say(events: TurnEvent[]): void {
    this.#unsaid.push(...events);
    this.flush();
  }

  /** Passes on what has come together; tells whether there was anything. */
  flush(): boolean {
    if (this.#unsaid.length === 0) return false;
    const events = this.#unsaid;
    this.#unsaid = [];
    this.hasSpoken = true;
    this.#say(events, this.parts);
    return true;
  }

  #addPlain(text: string): void {
    if (!text) return;
    const last = this.parts.at(-1);
    if (last?.type === "text") this.parts[this.parts.length - 1] = { type: "text", text: last.text + text };
    else this.parts.push({ type: "text", text });
    this.#unsaid.push({ type: "text-delta", textDelta: text });
  }
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
