import { textOf, type Message } from "../core/messages.ts";
import { askAside, type SidePorts } from "./side-question.ts";

const INSTRUCTION =
  "Rewrite the last message of the user as one question that can be understood without the conversation, in the user's language, for a search in documents. Answer with the question alone.";
const MESSAGES_READ = 6;
const MOST_TOKENS = 120;

/** What was asked last, in words that stand by themselves: those of the bot's own model. */
export async function rewriteQuery(
  modelId: string,
  messages: Pick<Message, "role" | "parts">[],
  ports: SidePorts,
): Promise<string> {
  const asked = textOf(messages.findLast(({ role }) => role === "user")!.parts);
  if (messages.length < 2 || modelId.startsWith("embedded/")) return asked;
  const prompt = messages
    .slice(-MESSAGES_READ)
    .map(({ role, parts }) => `${role}: ${textOf(parts).slice(0, 2000)}`)
    .join("\n");
  const question = { modelId, instruction: INSTRUCTION, prompt, maxOutputTokens: MOST_TOKENS };
  return (await askAside(question, ports)) || asked;
}
