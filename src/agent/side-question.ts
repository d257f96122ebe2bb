import { generateText } from "ai";
import { estimateTokens } from "../core/billing/prices.ts";
import { within } from "../lib/time.ts";
import type { TurnPorts } from "./turn-ports.ts";

export type SideQuestion = { modelId: string; instruction: string; prompt: string; maxOutputTokens: number };
export type SidePorts = Pick<TurnPorts, "openModel" | "meter" | "signal">;

/** Nobody waits longer for what the answer can be given without. */
const LONGEST_MS = 15_000;

/** Asks a model something that helps to answer, paid like any other call. Null: it failed, or was silent for too long. */
export async function askAside(
  { modelId, instruction, prompt, maxOutputTokens }: SideQuestion,
  { openModel, meter, signal }: SidePorts,
): Promise<string | null> {
  const inputTokens = estimateTokens(instruction + prompt);
  await meter.begin(modelId, () => ({ inputTokens, maxOutputTokens }));
  try {
    const { text, usage } = await within(LONGEST_MS, (late) =>
      generateText({
        model: openModel(modelId),
        instructions: instruction,
        prompt,
        maxOutputTokens,
        maxRetries: 0,
        abortSignal: AbortSignal.any([signal, late]),
      }),
    );
    meter.report(usage);
    meter.end(true);
    return text.trim();
  } catch (error) {
    meter.end(false);
    console.warn("side question", modelId, error);
    return null;
  }
}
