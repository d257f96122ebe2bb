import {
  APICallError,
  type LanguageModelV4,
  type LanguageModelV4CallOptions,
  type LanguageModelV4FinishReason,
  type LanguageModelV4StreamPart,
  type LanguageModelV4StreamResult,
  type LanguageModelV4Usage,
} from "@ai-sdk/provider";
import { createParser } from "eventsource-parser";
import { PieceDecoder } from "../lib/text.ts";
import { completionRequest } from "./chat-completions-request.ts";

type Part = LanguageModelV4StreamPart;

/**
 * A stream that can also be read in one loop, which hands over together what arrived together: a reader's promises cost
 * more than what they bring. It is read one way or the other, and stops when `take` throws.
 */
export type GroupedStreamResult = LanguageModelV4StreamResult & {
  readGroups?: (take: (parts: Part[]) => void) => Promise<void>;
};

export type ChatCompletionsOptions = {
  provider: string;
  modelId: string;
  /** Sends a chat completions request with `stream: true`; answers the event stream or throws an APICallError. */
  send: (body: object, options: LanguageModelV4CallOptions) => Promise<ReadableStream<Uint8Array>>;
  doGenerate: LanguageModelV4["doGenerate"];
};

/**
 * An OpenAI-compatible model with a stream reader that costs a third of the SDK's own; what is not streamed goes the
 * SDK's way.
 */
export function chatCompletionsModel({ provider, modelId, send, doGenerate }: ChatCompletionsOptions): LanguageModelV4 {
  return {
    specificationVersion: "v4",
    provider,
    modelId,
    supportedUrls: {},
    doGenerate,
    async doStream(options): Promise<GroupedStreamResult> {
      const body = { ...completionRequest(modelId, options), stream: true, stream_options: { include_usage: true } };
      const answer = await send(body, options);
      const readGroups = (take: (parts: Part[]) => void) => readCompletion(answer, provider, take);
      return { stream: ungrouped(readGroups), readGroups };
    },
  };
}

/** Parts one by one, for those who know only the SDK's interface. Nothing is read before somebody asks. */
const ungrouped = (readGroups: (take: (parts: Part[]) => void) => Promise<void>): ReadableStream<Part> => {
  let isCancelled = false;
  return new ReadableStream(
    {
      async pull(controller) {
        await readGroups((parts) => {
          if (isCancelled) throw new Error("nobody reads on");
          for (const part of parts) controller.enqueue(part);
        });
        controller.close();
      },
      cancel: () => void (isCancelled = true),
    },
    { highWaterMark: 0 },
  );
};

type Chunk = {
  choices?: { delta?: Delta; finish_reason?: string | null }[];
  usage?: { prompt_tokens?: number; completion_tokens?: number } | null;
  error?: unknown;
  /** Workers AI's older models answer with this alone. */
  response?: string | null;
};
type Delta = {
  content?: string | null;
  reasoning?: string | null;
  reasoning_content?: string | null;
  tool_calls?: { index?: number; id?: string; function?: { name?: string; arguments?: string } }[] | null;
};

/** How long an upstream that has said `[DONE]` may take to end its response. */
const LAST_BYTE_MS = 1000;
/** Of what is not said at once, as the arguments of a tool call, there is an end, too. */
const MOST_BYTES = 64_000_000;

async function readCompletion(
  body: ReadableStream<Uint8Array>,
  provider: string,
  take: (parts: Part[]) => void,
): Promise<void> {
  const completion = new Completion(provider);
  const parser = createParser({ onEvent: ({ data }) => completion.add(data) });
  const [reader, decoder] = [body.getReader(), new PieceDecoder()];
  let bytes = 0;
  try {
    while (!completion.done) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.length;
      if (bytes > MOST_BYTES) throw broken(provider, "the model's stream does not end");
      parser.feed(decoder.decode(value));
      const parts = completion.take();
      if (parts.length > 0) take(parts);
      if (completion.failure) throw completion.failure;
    }
    take(completion.end());
  } finally {
    void release(reader, completion.done);
  }
}

/** An answer that was read to its last byte leaves a connection that serves the next call; any other is given up. */
async function release(reader: ReadableStreamDefaultReader<Uint8Array>, isComplete: boolean): Promise<void> {
  const timer = setTimeout(() => void reader.cancel().catch(() => undefined), isComplete ? LAST_BYTE_MS : 0);
  try {
    while (!(await reader.read()).done);
  } catch {
    // A connection that broke after the answer's end took nothing with it.
  } finally {
    clearTimeout(timer);
  }
}

/** What has been read of one answer; turns chunks into parts. */
class Completion {
  done = false;
  /** What came before it is still an answer, so that it is kept and not thrown. */
  failure: APICallError | null = null;
  #parts: Part[] = [];
  #finish: LanguageModelV4FinishReason | null = null;
  #usage: Chunk["usage"] = null;
  readonly #calls = new Map<number, { id: string; name: string; input: string }>();
  readonly #provider: string;

  constructor(provider: string) {
    this.#provider = provider;
  }

  add(data: string): void {
    if (this.done || this.failure) return;
    if (data === "[DONE]") this.done = true;
    else this.#addChunk(parseChunk(data));
  }

  #addChunk(chunk: Chunk | null): void {
    if (!chunk) this.failure = broken(this.#provider, "the model's stream is malformed");
    else if (chunk.error) this.failure = broken(this.#provider, `the model failed: ${messageOf(chunk.error)}`);
    else this.#addChoice(chunk);
  }

  #addChoice(chunk: Chunk): void {
    if (chunk.usage) this.#usage = chunk.usage;
    const [choice] = chunk.choices ?? [];
    if (choice?.delta) this.#addDelta(choice.delta);
    else if (chunk.response) this.#addText(chunk.response);
    if (choice?.finish_reason) this.#finish = finishReason(choice.finish_reason);
  }

  take(): Part[] {
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  /** The last parts; a stream that ended without saying so is an error, never a short answer. */
  end(): Part[] {
    if (!this.#finish && !this.done) throw broken(this.#provider, "the model's stream ended in the middle");
    for (const { id, name, input } of this.#calls.values()) {
      this.#parts.push({ type: "tool-call", toolCallId: id, toolName: name, input: input || "{}" });
    }
    const fallback = { unified: this.#calls.size > 0 ? "tool-calls" : "stop", raw: undefined } as const;
    this.#parts.push({ type: "finish", finishReason: this.#finish ?? fallback, usage: usageOf(this.#usage) });
    return this.take();
  }

  #addDelta(delta: Delta): void {
    const reasoning = delta.reasoning_content ?? delta.reasoning;
    if (reasoning) this.#parts.push({ type: "reasoning-delta", id: "0", delta: reasoning });
    if (delta.content) this.#addText(delta.content);
    for (const call of delta.tool_calls ?? []) {
      const index = call.index ?? 0;
      const known = this.#calls.get(index) ?? { id: call.id || crypto.randomUUID(), name: "", input: "" };
      known.name += call.function?.name ?? "";
      known.input += call.function?.arguments ?? "";
      this.#calls.set(index, known);
    }
  }

  #addText(delta: string): void {
    this.#parts.push({ type: "text-delta", id: "0", delta });
  }
}

function parseChunk(data: string): Chunk | null {
  try {
    return JSON.parse(data) as Chunk | null;
  } catch {
    return null;
  }
}

function finishReason(raw: string): LanguageModelV4FinishReason {
  if (raw === "length") return { unified: "length", raw };
  if (raw === "tool_calls" || raw === "function_call") return { unified: "tool-calls", raw };
  return { unified: "stop", raw };
}

export const usageOf = (usage: Chunk["usage"]): LanguageModelV4Usage => ({
  inputTokens: { total: usage?.prompt_tokens, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: usage?.completion_tokens, text: undefined, reasoning: undefined },
});

const broken = (provider: string, message: string) =>
  new APICallError({ message, url: provider, requestBodyValues: {}, isRetryable: true });

/** The sentence inside an upstream's error, whatever its shape. */
export function messageOf(error: unknown): string {
  if (typeof error === "string") return error;
  const { message, error: inner } = (error ?? {}) as { message?: unknown; error?: unknown };
  if (typeof message === "string") return message;
  return inner ? messageOf(inner) : "no reason given";
}
