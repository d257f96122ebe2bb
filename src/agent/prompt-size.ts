import type { LanguageModelV4CallOptions, LanguageModelV4Message } from "@ai-sdk/provider";
import { estimateTokens } from "../core/billing/prices.ts";

/** What a picture or a document is counted as; models differ, and it is an estimate. */
const FILE_TOKENS = 1000;

/** About how many tokens a model has to read. */
export const promptTokens = ({ prompt, tools = [] }: LanguageModelV4CallOptions): number =>
  prompt.map(messageTokens).reduce((sum, tokens) => sum + tokens, tools.length > 0 ? jsonTokens(tools) : 0);

function messageTokens({ content }: LanguageModelV4Message): number {
  if (typeof content === "string") return estimateTokens(content);
  return content.map(partTokens).reduce((sum, tokens) => sum + tokens, 0);
}

type Part = Exclude<LanguageModelV4Message["content"], string>[number];

function partTokens(part: Part): number {
  if (part.type === "text" || part.type === "reasoning") return estimateTokens(part.text);
  if (part.type === "tool-call") return jsonTokens(part.input);
  if (part.type === "tool-result") return jsonTokens(part.output);
  return FILE_TOKENS;
}

const jsonTokens = (value: unknown) => estimateTokens(JSON.stringify(value) ?? "");
