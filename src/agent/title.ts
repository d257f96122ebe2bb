import type { LanguageModelV4 } from "@ai-sdk/provider";
import { generateText } from "ai";
import { truncate } from "../lib/text.ts";

const INSTRUCTION =
  "Write a title for this conversation: a summary of the message below in at most 80 characters, without quotes or colons. Answer with the title alone.";
const LONGEST = 80;

/** A title for a conversation, from its first message. One call of the bot's own model. */
export async function writeTitle(model: LanguageModelV4, firstMessage: string): Promise<string> {
  const { text } = await generateText({
    model,
    instructions: INSTRUCTION,
    prompt: truncate(firstMessage, 4000),
    maxOutputTokens: 60,
    maxRetries: 1,
  });
  return truncate(
    text
      .replace(/[":«»“”\n]/g, " ")
      .replace(/\s+/g, " ")
      .trim(),
    LONGEST,
  );
}
