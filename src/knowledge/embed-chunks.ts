import { listChunks, type StoredChunk } from "../core/chunks.ts";
import { wordsToFind } from "../core/chunk-words.ts";
import type { Ctx } from "../core/context.ts";
import { DomainError } from "../core/errors.ts";
import type { VectorIndex } from "../core/ports.ts";
import { sleep } from "../lib/time.ts";

const CHUNKS_AT_ONCE = 64;
/** No embedding model reads more of one text; what is beyond is found by its words. */
const MOST_CHARACTERS = 24_000;
/** Vectorize shows what was written after some seconds. */
const LONGEST_DELAY_MS = 120_000;
const LOOK_EVERY_MS = 1000;

export type EmbeddedVersion = { storeId: string; id: string; version: string; filename: string };
export type Target = { model: string; space: number };

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
    const vectors = await embedder.embed(chunks.map((chunk) => textOf(document.filename, chunk)));
    const index = ctx.vectors({ storeId: document.storeId, space, dimensions: vectors[0]!.length });
    await index.upsert(chunks.map(({ id }, at) => ({ id, documentId: document.id, values: vectors[at]! })));
    written = { index, last: chunks.at(-1)!.id };
    await goesOn();
  }
  if (written) await untilFound(written.index, written.last, goesOn);
}

const textOf = (filename: string, chunk: StoredChunk) => wordsToFind(filename, chunk).slice(0, MOST_CHARACTERS);

/** Writes are applied in their order: once the last shows, all do. */
async function untilFound(index: VectorIndex, id: number, goesOn: () => Promise<void>): Promise<void> {
  for (let waitedMs = 0; !(await index.has([id])); waitedMs += LOOK_EVERY_MS) {
    if (waitedMs >= LONGEST_DELAY_MS)
      throw new DomainError("unavailable", "the vector index does not show what was written");
    await sleep(LOOK_EVERY_MS);
    await goesOn();
  }
}
