import { generateText } from "ai";
import type { OpenModel } from "../core/ports.ts";
import { estimateTokens } from "../core/billing/prices.ts";
import { truncate } from "../lib/text.ts";
import type { Meter } from "./meter.ts";

const INSTRUCTION =
  "Write a title for this conversation: a summary of the message below in at most 80 characters, without quotes or colons. Answer with the title alone.";
const LONGEST = 80;
const MOST_TOKENS = 60;

/** A title for a conversation, from its first message. One call of the bot's own model, paid like any other. */
export async function writeTitle(
  modelId: string,
  firstMessage: string,
  { model, meter }: { model: OpenModel; meter: Meter },
): Promise<string> {
  const prompt = truncate(firstMessage, 4000);
  const inputTokens = estimateTokens(INSTRUCTION + prompt);
  await meter.begin(modelId, () => ({ inputTokens, maxOutputTokens: MOST_TOKENS }));
  const { text, usage } = await generateText({
    model: model(modelId),
    instructions: INSTRUCTION,
    prompt,
    maxOutputTokens: MOST_TOKENS,
    maxRetries: 1,
  }).catch((error: unknown) => {
    meter.end(false);
    throw error;
  });
  meter.report(usage);
  meter.end(true);
  return truncate(
    text
      .replace(/[":«»“”\n]/g, " ")
      .replace(/\s+/g, " ")
      .trim(),
    LONGEST,
  );
}
