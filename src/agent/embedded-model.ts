import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FinishReason,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
  LanguageModelV4Text,
  LanguageModelV4ToolCall,
  LanguageModelV4ToolResultPart,
  LanguageModelV4Usage,
} from "@ai-sdk/provider";
import { truncate } from "../lib/text.ts";
import { sleep } from "../lib/time.ts";
import { bestPassages, passagesOf, type Passage } from "./embedded-passages.ts";
import { NOTHING_FOUND } from "./knowledge.ts";
import { asksForPerson, isGreeting, languageOf, PHRASES } from "./embedded-phrases.ts";

const HANDOFF_TOOL = "handoff_to_operator";
const SEARCH_TOOL = "search_knowledge";
const CHARACTERS_PER_TOKEN = 4;

/**
 * The model that needs no account and no network: it answers by quoting the best passages of what the bot was told, and
 * says once that it is the offline model.
 */
export function embeddedModel({ modelId, wordDelayMs }: { modelId: string; wordDelayMs: number }): LanguageModelV4 {
  return {
    specificationVersion: "v4",
    provider: "embedded",
    modelId,
    supportedUrls: {},
    async doGenerate(options) {
      options.abortSignal?.throwIfAborted();
      return { ...answer(options), warnings: [] };
    },
    async doStream(options) {
      return { stream: streamOf(streamParts(answer(options), wordDelayMs, options.abortSignal)) };
    },
  };
}

const streamOf = <T>(parts: AsyncGenerator<T>) =>
  new ReadableStream<T>({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });

async function* streamParts(
  { content: [part], finishReason, usage }: Answer,
  wordDelayMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<LanguageModelV4StreamPart> {
  signal?.throwIfAborted();
  yield { type: "stream-start", warnings: [] };
  if (part.type === "tool-call") yield part;
  else yield* textParts(part.text, wordDelayMs, signal);
  yield { type: "finish", finishReason, usage };
}

async function* textParts(
  text: string,
  wordDelayMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<LanguageModelV4StreamPart> {
  const id = "answer";
  yield { type: "text-start", id };
  for (const { 0: delta, index } of text.matchAll(/\S+\s*/g)) {
    if (index > 0 && wordDelayMs > 0) await sleep(wordDelayMs, signal);
    signal?.throwIfAborted();
    yield { type: "text-delta", id, delta };
  }
  yield { type: "text-end", id };
}

type Answer = {
  content: [LanguageModelV4Text | LanguageModelV4ToolCall];
  finishReason: LanguageModelV4FinishReason;
  usage: LanguageModelV4Usage;
};

function answer(options: LanguageModelV4CallOptions): Answer {
  const inputLength = options.prompt.map(textOf).join("").length;
  if (wantsHandoff(options)) {
    const call = handoffCall(lastQuestion(options.prompt));
    return { content: [call], finishReason: finished("tool-calls"), usage: usageOf(inputLength, call.input.length) };
  }
  if (wantsSearch(options)) {
    const call = searchCall(lastQuestion(options.prompt));
    return { content: [call], finishReason: finished("tool-calls"), usage: usageOf(inputLength, call.input.length) };
  }
  const whole = replyTo(options.prompt);
  const text = truncate(whole, (options.maxOutputTokens ?? Infinity) * CHARACTERS_PER_TOKEN);
  const finishReason = finished(text === whole ? "stop" : "length");
  return { content: [{ type: "text", text }], finishReason, usage: usageOf(inputLength, text.length) };
}

function replyTo(prompt: LanguageModelV4Prompt): string {
  const system = prompt.filter(({ role }) => role === "system").map(textOf);
  if (system.some((text) => text.startsWith("Write a title"))) return titleOf(prompt);
  const question = lastQuestion(prompt);
  const phrases = PHRASES[languageOf(question)];
  if (handoffResult(prompt) === "done") return phrases.handedOver;
  const reply = isGreeting(question) ? phrases.greeting : quotesFor(question, [...system, ...searched(prompt)]);
  return isNoteSaid(prompt) ? reply : `${reply}\n\n${phrases.note}`;
}

function titleOf(prompt: LanguageModelV4Prompt): string {
  const first = prompt.find(({ role }) => role === "user");
  const words = first ? textOf(first).trim().split(/\s+/) : [];
  return truncate(words.slice(0, 6).join(" "), 80);
}

function quotesFor(question: string, system: string[]): string {
  const phrases = PHRASES[languageOf(question)];
  const documents = system.flatMap(documentsIn);
  const told = system.filter((text) => !isKnowledge(text)).flatMap((text) => passagesOf(toldIn(text)));
  const best = bestPassages([...told, ...documents], question);
  if (best.length > 0) return [phrases.found, ...best.map(quoted)].join("\n");
  if (system.some(isKnowledge)) return phrases.notInDocuments;
  return told.length > 0 ? phrases.notFound : phrases.untold;
}

const quoted = ({ text, source }: Passage) => (source === null ? `“${text}”` : `“${text}” [${source}]`);

const isKnowledge = (system: string) => system.startsWith(NOTHING_FOUND) || DOCUMENTS.test(system);
const DOCUMENTS = /<documents>\n([^]*)\n<\/documents>/;

/** The passages of documents, each with the number that it is cited by. */
function documentsIn(system: string): Passage[] {
  const [, all = ""] = DOCUMENTS.exec(system) ?? [];
  return all.split(/^(?=\[\d+\] )/m).flatMap((document) => {
    const number = Number(/^\[(\d+)\]/.exec(document)?.[1]);
    return number ? passagesOf(document).map((passage) => ({ ...passage, source: number, isOrder: false })) : [];
  });
}

/** Of working memory only the notes count, not the instructions for keeping them; of earlier messages what people said. */
function toldIn(system: string): string {
  const [, earlier] = /<earlier_messages>\n([^]*)\n<\/earlier_messages>/.exec(system) ?? [];
  if (earlier !== undefined) return [...earlier.matchAll(SAID_BY_PEOPLE)].map(([, text]) => text).join("\n\n");
  return /<working_memory_data>([^]*)<\/working_memory_data>/.exec(system)?.[1] ?? system;
}

const SAID_BY_PEOPLE = /^\[.*? UTC\] (?:person|operator): (.*)/gm;

const isNoteSaid = (prompt: LanguageModelV4Prompt) => {
  const said = prompt.filter(({ role }) => role === "assistant").map(textOf);
  return Object.values(PHRASES).some(({ note }) => said.some((text) => text.includes(note)));
};

function wantsHandoff({ prompt, tools = [], toolChoice }: LanguageModelV4CallOptions): boolean {
  const isOffered = toolChoice?.type !== "none" && tools.some(({ name }) => name === HANDOFF_TOOL);
  return isOffered && handoffResult(prompt) === "none" && asksForPerson(lastQuestion(prompt));
}

function handoffCall(question: string): LanguageModelV4ToolCall {
  const input = JSON.stringify({ reason: `The person asked for a human: ${truncate(question, 200)}` });
  return { type: "tool-call", toolCallId: crypto.randomUUID(), toolName: HANDOFF_TOOL, input };
}

function wantsSearch({ prompt, tools = [], toolChoice }: LanguageModelV4CallOptions): boolean {
  const isOffered = toolChoice?.type !== "none" && tools.some(({ name }) => name === SEARCH_TOOL);
  const question = lastQuestion(prompt);
  return isOffered && question !== "" && !isGreeting(question) && resultsOf(prompt, SEARCH_TOOL).length === 0;
}

function searchCall(question: string): LanguageModelV4ToolCall {
  const input = JSON.stringify({ query: truncate(question, 2000) });
  return { type: "tool-call", toolCallId: crypto.randomUUID(), toolName: SEARCH_TOOL, input };
}

/** What a search has found for the last question, in the words in which passages are told without one. */
const searched = (prompt: LanguageModelV4Prompt): string[] =>
  resultsOf(prompt, SEARCH_TOOL).map(({ output }) => {
    const { passages = [] } = (output.type === "json" ? output.value : {}) as { passages?: SearchedPassage[] };
    const shown = passages.map(({ number, document, text }) => `[${number}] ${document}\n${text}`);
    return shown.length > 0 ? `<documents>\n${shown.join("\n\n")}\n</documents>` : NOTHING_FOUND;
  });

type SearchedPassage = { number: number; document: string; text: string };

/** The results of a tool since the last question. */
function resultsOf(prompt: LanguageModelV4Prompt, toolName: string): LanguageModelV4ToolResultPart[] {
  const since = prompt.slice(prompt.findLastIndex(({ role }) => role === "user") + 1);
  const results = since.flatMap((message) => (message.role === "tool" ? message.content : []));
  return results.flatMap((part) => (part.type === "tool-result" && part.toolName === toolName ? [part] : []));
}

/** What became of a handoff that the last question asked for. */
function handoffResult(prompt: LanguageModelV4Prompt): "none" | "done" | "refused" {
  const [first] = resultsOf(prompt, HANDOFF_TOOL);
  if (!first) return "none";
  return /^(?:error|execution)-/.test(first.output.type) ? "refused" : "done";
}

const lastQuestion = (prompt: LanguageModelV4Prompt) => {
  const message = prompt.findLast(({ role }) => role === "user");
  return message ? textOf(message) : "";
};

const textOf = ({ content }: LanguageModelV4Message): string =>
  typeof content === "string"
    ? content
    : content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");

const finished = (unified: LanguageModelV4FinishReason["unified"]) => ({ unified, raw: undefined });

function usageOf(inputLength: number, outputLength: number): LanguageModelV4Usage {
  const [input, output] = [inputLength, outputLength].map((length) => Math.ceil(length / CHARACTERS_PER_TOKEN));
  return {
    inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: output, text: output, reasoning: 0 },
  };
}
