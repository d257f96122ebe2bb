import { listChunks, type StoredChunk } from "../core/knowledge/chunks.ts";
import { wordsToFind } from "../core/knowledge/chunk-words.ts";
import type { Ctx } from "../core/context.ts";
import { DomainError, retryAfterOf } from "../core/errors.ts";
import type { Embedder, VectorIndex } from "../core/ports.ts";
import { truncate } from "../lib/text.ts";
import { sleep } from "../lib/time.ts";
import { knownVectors } from "./known-vectors.ts";

const CHUNKS_AT_ONCE = 64;
/** No embedding model reads more of one text; what is beyond is found by its words. */
const MOST_CHARACTERS = 24_000;
/** Vectorize shows what was written after some seconds. */
const LONGEST_DELAY_MS = 120_000;
const LOOK_EVERY_MS = 1000;

export type EmbeddedVersion = { storeId: string; id: string; version: string; filename: string };
export type Target = { model: string; space: number };

/** So long a busy model is waited for here, in all; for longer, the document is put back. A claim outlives each wait. */
const [LONGEST_WAIT_SECONDS, LONGEST_PATIENCE_SECONDS] = [10, 20];

/** Embeds all chunks of one version of a document; returns once a query finds them. `goesOn` is called after each step. */
export async function embedChunks(
  ctx: Ctx,
  document: EmbeddedVersion,
  { model, space }: Target,
  goesOn: () => Promise<void>,
): Promise<void> {
  const embedder = ctx.embedder(model);
  let written: { index: VectorIndex; last: number } | null = null;
  for (let from = 0; ; from += CHUNKS_AT_ONCE) {
    const chunks = await listChunks(ctx, document, { from, limit: CHUNKS_AT_ONCE });
    if (chunks.length === 0) break;
    const known = await knownVectors(ctx, model, document.version, chunks);
    const vectors = await embedUnknown(patient(embedder, goesOn), document.filename, chunks, known);
    const index = ctx.vectors({ storeId: document.storeId, space, dimensions: vectors[0]!.length });
    await index.upsert(chunks.map(({ id }, at) => ({ id, documentId: document.id, values: vectors[at]! })));
    written = { index, last: chunks.at(-1)!.id };
    await goesOn();
  }
  if (written) await untilFound(written.index, written.last, goesOn);
}

/** Waits where the model says for how long. */
const patient = (embedder: Embedder, goesOn: () => Promise<void>): Pick<Embedder, "embed"> => ({
  async embed(texts) {
    for (let waited = 0; ;) {
      try {
        return await embedder.embed(texts);
      } catch (error) {
        const seconds = retryAfterOf(error) ?? Infinity;
        waited += seconds;
        if (seconds > LONGEST_WAIT_SECONDS || waited > LONGEST_PATIENCE_SECONDS) throw error;
        await sleep(seconds * 1000);
        await goesOn();
      }
    }
  },
});

/** What was embedded before is not embedded again, and what is there twice is embedded once. */
async function embedUnknown(
  embedder: Pick<Embedder, "embed">,
  filename: string,
  chunks: StoredChunk[],
  known: Map<string, Float32Array>,
): Promise<Float32Array[]> {
  const texts = new Map(chunks.map((chunk) => [keyOf(chunk), textOf(filename, chunk)]));
  const unknown = [...texts.keys()].filter((key) => !known.has(key));
  const made = unknown.length > 0 ? await embedder.embed(unknown.map((key) => texts.get(key)!)) : [];
  const isOfAnotherLength = made.length > 0 && [...known.values()].some(({ length }) => length !== made[0]!.length);
  if (isOfAnotherLength) return embedUnknown(embedder, filename, chunks, new Map());
  const all = new Map([...known, ...unknown.map((key, at): [string, Float32Array] => [key, made[at]!])]);
  return chunks.map((chunk) => all.get(keyOf(chunk))!);
}

const keyOf = ({ textHash, id }: StoredChunk) => textHash ?? `#${id}`;

const textOf = (filename: string, chunk: StoredChunk) => truncate(wordsToFind(filename, chunk), MOST_CHARACTERS);

/** Writes are applied in their order: once the last shows, all do. */
async function untilFound(index: VectorIndex, id: number, goesOn: () => Promise<void>): Promise<void> {
  for (let waitedMs = 0; !(await index.has([id])); waitedMs += LOOK_EVERY_MS) {
    if (waitedMs >= LONGEST_DELAY_MS)
      throw new DomainError("unavailable", "the vector index does not show what was written");
    await sleep(LOOK_EVERY_MS);
    await goesOn();
  }
}
