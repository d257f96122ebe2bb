import type { UIMessageChunk } from "ai";
import type { CitationData } from "../core/knowledge/citations.ts";
import { resultText } from "../core/messages.ts";
import type { TurnEvent } from "../core/turn-events.ts";
import type { TurnFormat } from "./turn-response.ts";

/** The AI SDK's UI message stream v1, in the part of it that every client since AI SDK 5 accepts, whatever the answer. */
export const UI_MESSAGE_STREAM: TurnFormat = {
  types: [
    "start",
    "text-delta",
    "reasoning-delta",
    "tool-call",
    "tool-approval-request",
    "tool-result",
    "step-finish",
    "finish",
    "error",
  ],
  headers: { "x-vercel-ai-ui-message-stream": "v1" },
  encode() {
    const chunks = new UiChunks();
    return {
      event: (event, id) => framesOf(chunks.of(event), id),
      beat: () => ": \n\n",
      end: () => "data: [DONE]\n\n",
    };
  },
};

/** Only the last chunk of an event has its id: a reader who was cut off before it gets the event again, and not half of it. */
const framesOf = (chunks: UIMessageChunk[], id: string) =>
  chunks
    .map((chunk, index) => `${index === chunks.length - 1 ? `id: ${id}\n` : ""}data: ${JSON.stringify(chunk)}\n\n`)
    .join("");

type Run = "text" | "reasoning";

/** Turn events say deltas only; this stream wants to know where a run of text, and a step, begins and ends. */
class UiChunks {
  #open: { run: Run; id: string } | null = null;
  #runs = 0;
  #inStep = false;
  #started = false;

  of(event: TurnEvent): UIMessageChunk[] {
    switch (event.type) {
      case "start":
        this.#started = true;
        return [{ type: "start", messageId: event.messageId }];
      case "text-delta":
        return this.#delta("text", event.textDelta);
      case "reasoning-delta":
        return this.#delta("reasoning", event.textDelta);
      case "tool-call": {
        const { toolCallId, toolName, args } = event;
        return [...this.#step(), ...this.#close(), { type: "tool-input-available", toolCallId, toolName, input: args }];
      }
      case "tool-approval-request":
        return [...this.#close(), { ...event }];
      case "tool-result":
        return [...this.#step(), ...this.#close(), resultChunk(event)];
      case "step-finish":
        return this.#endStep();
      case "finish": {
        // A client makes a message of the first thing that it is told about one.
        if (!this.#started) return [...this.#begin(), { type: "finish" }];
        const messageMetadata = { finishReason: event.finishReason };
        const sources = (event.citations ?? []).map(sourceChunk);
        return [...sources, ...this.#endStep(), { type: "finish", messageMetadata }];
      }
      case "error":
        return [...this.#begin(), ...this.#close(), { type: "error", errorText: event.error }];
    }
  }

  #delta(run: Run, delta: string): UIMessageChunk[] {
    const opened = this.#open?.run === run ? [] : [...this.#step(), ...this.#close(), this.#openRun(run)];
    return [...opened, { type: `${run}-delta`, id: this.#open!.id, delta }];
  }

  #openRun(run: Run): UIMessageChunk {
    this.#open = { run, id: `${run}-${++this.#runs}` };
    return { type: `${run}-start`, id: this.#open.id };
  }

  #close(): UIMessageChunk[] {
    if (!this.#open) return [];
    const { run, id } = this.#open;
    this.#open = null;
    return [{ type: `${run}-end`, id }];
  }

  #begin(): UIMessageChunk[] {
    if (this.#started) return [];
    this.#started = true;
    return [{ type: "start" }];
  }

  #step(): UIMessageChunk[] {
    if (this.#inStep) return [];
    this.#inStep = true;
    return [...this.#begin(), { type: "start-step" }];
  }

  #endStep(): UIMessageChunk[] {
    if (!this.#inStep) return [];
    const closed = this.#close();
    this.#inStep = false;
    return [...closed, { type: "finish-step" }];
  }
}

/** The kind of source that every client knows for what has no address; what more there is to tell goes with it. */
const sourceChunk = (citation: CitationData): UIMessageChunk => ({
  type: "source-document",
  sourceId: `${citation.number}`,
  mediaType: "text/plain",
  title: [citation.filename, ...citation.headings].join(" > "),
  filename: citation.filename,
  providerMetadata: { parley: { ...citation } },
});

function resultChunk(event: TurnEvent & { type: "tool-result" }): UIMessageChunk {
  const { toolCallId, result, outcome } = event;
  if (outcome === "denied") return { type: "tool-output-denied", toolCallId };
  if (outcome === "failed") return { type: "tool-output-error", toolCallId, errorText: resultText(result) };
  return { type: "tool-output-available", toolCallId, output: result };
}
