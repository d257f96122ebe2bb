import { generateText } from "ai";
import type { OpenModel } from "../core/ports.ts";
import { estimateTokens } from "../core/prices.ts";
import { textOf, type Message } from "../core/messages.ts";
import { truncate } from "../lib/text.ts";
import type { Meter } from "./meter.ts";

const INSTRUCTION =
  "Rewrite the last message of the user as one question that can be understood without the conversation, in the user's language, for a search in documents. Answer with the question alone.";
const MESSAGES_READ = 6;
const LONGEST_MESSAGE = 2000;
const MOST_TOKENS = 120;

/** What was asked last, in words that stand by themselves. One call of the bot's own model, paid like any other. */
export async function rewriteQuery(
  modelId: string,
  messages: Pick<Message, "role" | "parts">[],
  { openModel, meter }: { openModel: OpenModel; meter: Meter },
): Promise<string> {
  const asked = textOf(messages.findLast(({ role }) => role === "user")!.parts);
  if (messages.length < 2 || modelId.startsWith("embedded/")) return asked;
  const prompt = messages
    .slice(-MESSAGES_READ)
    .map(({ role, parts }) => `${role}: ${truncate(textOf(parts), LONGEST_MESSAGE)}`)
    .join("\n");
  await meter.begin(modelId, () => ({
    inputTokens: estimateTokens(INSTRUCTION + prompt),
    maxOutputTokens: MOST_TOKENS,
  }));
  try {
    const { text, usage } = await generateText({
      model: openModel(modelId),
      instructions: INSTRUCTION,
      prompt,
      maxOutputTokens: MOST_TOKENS,
      maxRetries: 0,
    });
    meter.report(usage);
    meter.end(true);
    return text.trim() || asked;
  } catch (error) {
    meter.end(false);
    console.warn("query", error);
    return asked;
  }
}
