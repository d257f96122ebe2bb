import type { LanguageModelV4Message, LanguageModelV4Prompt, LanguageModelV4ToolResultPart } from "@ai-sdk/provider";
import type { BotSettings } from "../core/bot-settings.ts";
import type { Due } from "../core/schedules/schedule-state.ts";
import { resultText, type Message, type MessagePart } from "../core/messages.ts";
import type { KnowledgeHit } from "../core/knowledge/knowledge-search.ts";
import type { RecalledMessage } from "../core/recall/recall-search.ts";
import { recallInstructions } from "./recall.ts";
import { knowledgeInstructions } from "./knowledge.ts";
import { dueNote } from "./due-note.ts";
import { memoryInstructions } from "./working-memory.ts";

export type PromptInput = {
  settings: BotSettings;
  workingMemory: string | null;
  /** What the documents say; null: they were not asked. */
  passages: KnowledgeHit[] | null;
  recalled: RecalledMessage[];
  due: Due | null;
  /** The time, for a bot that plans; else null. */
  now: number | null;
  /** Earlier messages and those to be answered, oldest first. */
  messages: Pick<Message, "role" | "parts">[];
  /** What this answer says already. */
  parts: MessagePart[];
};

/** Instruction, working memory, passages of documents, what was said long before, the conversation, and what has been said of the answer so far. */
export const buildPrompt = (input: PromptInput): LanguageModelV4Prompt => [
  ...systemMessages(input),
  ...input.messages.flatMap(promptMessages),
  ...dueMessages(input.due, input.messages.at(-1)?.role),
  ...promptMessages({ role: "assistant", parts: input.parts }),
];

function systemMessages({ settings, workingMemory, now, passages, recalled }: PromptInput): LanguageModelV4Message[] {
  const texts = [
    settings.instruction,
    settings.memory.workingMemory.enabled ? memoryInstructions(workingMemory) : "",
    now === null ? "" : `It is now ${new Date(now).toISOString()} (UTC).`,
    passages ? knowledgeInstructions(passages) : "",
    recalled.length > 0 ? recallInstructions(recalled) : "",
  ].filter((text) => text.trim() !== "");
  return texts.map((content) => ({ role: "system", content }));
}

/** Models want the last word to be the user's: what is due is told in his place, and is not part of the conversation. */
function dueMessages(due: Due | null, lastRole: Message["role"] | undefined): LanguageModelV4Message[] {
  if (!due || (due.kind === "answer" && lastRole === "user")) return [];
  return [{ role: "user", content: [{ type: "text", text: dueNote(due) }] }];
}

function promptMessages({ role, parts }: Pick<Message, "role" | "parts">): LanguageModelV4Message[] {
  if (role === "user") return [{ role, content: parts.flatMap(userPart) }];
  return stepsOf(parts).flatMap(stepMessages);
}

/** A file is named; what is in it the bot does not see. */
function userPart(part: MessagePart): { type: "text"; text: string }[] {
  if (part.type === "text") return [{ type: "text", text: part.text }];
  return part.type === "file" ? [{ type: "text", text: `[attached file: ${part.name} (${part.mediaType})]` }] : [];
}

type ToolCall = MessagePart & { type: "tool-call" };
type ToolResult = MessagePart & { type: "tool-result" };
type Step = { text: string; calls: ToolCall[]; results: ToolResult[] };

/** A step ends where text follows the results of tools: models want each step's calls and results side by side. */
function stepsOf(parts: MessagePart[]): Step[] {
  const steps: Step[] = [];
  for (const part of parts) {
    let step = steps.at(-1);
    if (!step || (part.type !== "tool-result" && step.results.length > 0)) {
      step = { text: "", calls: [], results: [] };
      steps.push(step);
    }
    if (part.type === "text") step.text += part.text;
    else if (part.type === "tool-call") step.calls.push(part);
    else if (part.type === "tool-result") step.results.push(part);
  }
  return steps;
}

function stepMessages({ text, calls, results }: Step): LanguageModelV4Message[] {
  if (!text && calls.length === 0) return [];
  const content = [
    ...(text ? [{ type: "text" as const, text }] : []),
    ...calls.map(({ toolCallId, toolName, args }) => ({
      type: "tool-call" as const,
      toolCallId,
      toolName,
      input: args,
    })),
  ];
  const assistant: LanguageModelV4Message = { role: "assistant", content };
  if (calls.length === 0) return [assistant];
  const answers = calls.map((call) =>
    resultPart(
      call,
      results.find(({ toolCallId }) => toolCallId === call.toolCallId),
    ),
  );
  return [assistant, { role: "tool", content: answers }];
}

/** A call that was never carried out still needs an answer: models refuse a conversation with a call left open. */
function resultPart(call: ToolCall, result: ToolResult | undefined): LanguageModelV4ToolResultPart {
  const { toolCallId, toolName } = call;
  return { type: "tool-result", toolCallId, toolName, output: outputOf(result) };
}

function outputOf(result: ToolResult | undefined): LanguageModelV4ToolResultPart["output"] {
  if (!result) return { type: "execution-denied", reason: "The tool call was not carried out." };
  if (result.outcome === "denied") return { type: "execution-denied", reason: resultText(result.result) };
  if (result.outcome === "failed") return { type: "error-text", value: resultText(result.result) };
  return { type: "json", value: result.result };
}
