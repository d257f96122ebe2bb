import type { Ctx } from "../context.ts";
import { waitAtMost } from "../../lib/time.ts";
import type { StoreRow } from "./knowledge-stores.ts";
import type { NearVector } from "../ports.ts";
import { documentsMatching, loadChunks, type ChunkQuery, type FoundChunk } from "./lexical-search.ts";

const NEAREST = 50;

/** `similarity`: the cosine of the angle to the question. `worth`: how far its model's similarities may be trusted. */
export type VectorHit = { chunk: FoundChunk; similarity: number; worth: number };

/** So long the model of a question is waited for; somebody waits for the answer. */
const PATIENCE_MS = 3000;

/** Chunks that mean what the question means. A model that fails, or is too slow, is left out: the words are searched all the same. */
export async function searchVectors(
  ctx: Ctx,
  stores: StoreRow[],
  query: string,
  among: ChunkQuery,
): Promise<VectorHit[]> {
  const models = [...new Set(stores.map(({ embeddingModel }) => embeddingModel))];
  const documentIds = among.filter ? await documentsMatching(ctx, among) : undefined;
  const found = await Promise.all(
    models.map(async (model) => {
      const ofModel = stores.filter(({ embeddingModel }) => embeddingModel === model);
      let near: Near[] = [];
      const searching = nearestChunks(ctx, { model, stores: ofModel, query, documentIds }).then(
        (some) => (near = some),
        (error: unknown) => console.error("vector search", model, error),
      );
      await waitAtMost(PATIENCE_MS, searching);
      return near;
    }),
  );
  const near = found.flat();
  const chunks = await loadChunks(
    ctx,
    near.map(({ id }) => id),
    among,
  );
  const hits = near.flatMap(({ id, ...hit }) => {
    const chunk = chunks.get(id);
    return chunk ? [{ chunk, ...hit }] : [];
  });
  return hits.toSorted((a, b) => b.similarity - a.similarity);
}

type Question = { model: string; stores: StoreRow[]; query: string; documentIds: string[] | undefined };

type Near = NearVector & Pick<VectorHit, "worth">;

async function nearestChunks(ctx: Ctx, { model, stores, query, documentIds }: Question): Promise<Near[]> {
  const embedder = ctx.embedder(model);
  const [vector] = (await embedder.embed([query])) as [Float32Array];
  const found = await Promise.all(
    stores.map(({ id: storeId, space }) =>
      ctx
        .vectors({ storeId, space, dimensions: vector.length })
        .query(vector, { limit: NEAREST, ...(documentIds ? { documentIds } : {}) }),
    ),
  );
  return found.flat().map((near) => ({ ...near, worth: embedder.worth }));
}
