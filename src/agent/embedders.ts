import { createOpenAI } from "@ai-sdk/openai";
import { parseModelId } from "../core/bot-settings.ts";
import { DomainError } from "../core/errors.ts";
import type { Embedder } from "../core/ports.ts";
import { hashEmbedding } from "../lib/hash-embedding.ts";
import { Pace } from "../lib/pace.ts";
import { within } from "../lib/time.ts";
import { busySeconds } from "./busy-model.ts";
import type { ModelOptions } from "./models.ts";

/** Opens an embedding model by `provider/name`. To add a provider: one more line here. */
export function openEmbedder(options: ModelOptions, modelId: string): Embedder {
  const { provider, name } = parseModelId(modelId);
  switch (provider) {
    case "embedded":
      return embeddedEmbedder;
    case "openai":
      if (!options.openaiApiKey) throw notConfigured(modelId, "OPENAI_API_KEY");
      return openaiEmbedder(name, options.openaiBaseUrl, options.openaiApiKey);
    case "workers-ai":
      if (!options.workersAi) throw notConfigured(modelId, "the AI binding");
      return workersAiEmbedder(name, options.workersAi);
    default:
      throw new DomainError("upstream_failed", `no provider ${provider} for embedding model ${modelId}`);
  }
}

const notConfigured = (modelId: string, missing: string) =>
  new DomainError("upstream_failed", `embedding model ${modelId} cannot be used: ${missing} is not set`);

/** Measured on documents in three languages it wins as many questions over plain words as it loses: it breaks ties only. */
const embeddedEmbedder: Embedder = {
  worth: 0,
  async embed(texts) {
    const pace = new Pace(CHARACTERS_AT_ONCE);
    const vectors: Float32Array[] = [];
    for (const text of texts) {
      vectors.push(hashEmbedding(text));
      await pace.after(text.length);
    }
    return vectors;
  },
};

/** So much is embedded here before others are let in. */
const CHARACTERS_AT_ONCE = 20_000;

/** A model that says nothing for so long will not: others wait for their turn, and the work is tried again. */
const LONGEST_MS = 25_000;

const openaiEmbedder = (name: string, baseURL: string, apiKey: string): Embedder => ({
  worth: 1,
  async embed(texts) {
    const model = createOpenAI({ apiKey, baseURL }).embeddingModel(name);
    const ask = (abortSignal: AbortSignal) => model.doEmbed({ values: texts, abortSignal });
    return vectorsOf(texts, await attempt(name, async () => (await within(LONGEST_MS, ask)).embeddings));
  },
});

const workersAiEmbedder = (name: string, ai: NonNullable<ModelOptions["workersAi"]>): Embedder => ({
  worth: 1,
  async embed(texts) {
    const answer = (await attempt(name, () => ai.run(name, { text: texts }))) as { data?: number[][] };
    return vectorsOf(texts, answer.data ?? []);
  },
});

async function attempt<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 300) : "";
    const seconds = busySeconds(error);
    if (seconds === null) throw new DomainError("upstream_failed", `the embedding model ${name} failed: ${reason}`);
    const details = { retryAfterSeconds: seconds };
    throw new DomainError("unavailable", `the embedding model ${name} is busy: ${reason}`, details);
  }
}

/** One vector for each text, all of one length, or it is no answer. */
function vectorsOf(texts: string[], embeddings: number[][]): Float32Array[] {
  const [first] = embeddings;
  const isWhole =
    first !== undefined &&
    first.length > 0 &&
    embeddings.length === texts.length &&
    embeddings.every((each) => each.length === first.length && each.every(Number.isFinite));
  if (!isWhole) throw new DomainError("upstream_failed", "the embedding model gave no vector for some texts");
  return embeddings.map((each) => Float32Array.from(each));
}
