import type { StoredVector, VectorIndex } from "../core/ports.ts";

/** What Vectorize takes in one call, or gives back in one. */
const MOST_UPSERTED = 1000;
const MOST_NAMED = 20;
const MOST_FOUND = 100;
/** A filter is at most 2048 bytes long; with more documents the caller must look at the hits himself. */
const MOST_FILTERED = 40;

/** Vectors in Vectorize, a namespace for each space of a store. Ids are unique in the whole index, so they name the space. */
export function vectorizeIndex(index: Vectorize, storeId: string, space: number): VectorIndex {
  const namespace = `${storeId}/${space}`;
  const idOf = (id: number) => `${id}.${space}`;
  const get = async (ids: number[]): Promise<StoredVector[]> => {
    const found = await Promise.all(pages(ids, MOST_NAMED).map((page) => index.getByIds(page.map(idOf))));
    return found.flat().map((vector) => ({
      id: numberOf(vector.id),
      documentId: vector.metadata?.["document"] as string,
      values: Float32Array.from(vector.values),
    }));
  };
  return {
    async upsert(vectors) {
      for (const page of pages(vectors, MOST_UPSERTED)) {
        await index.upsert(
          page.map(({ id, documentId, values }) => ({
            id: idOf(id),
            namespace,
            values,
            metadata: { document: documentId },
          })),
        );
      }
    },
    async query(vector, { limit, documentIds }) {
      const canFilter = documentIds !== undefined && documentIds.length <= MOST_FILTERED;
      const { matches } = await index.query(vector, {
        namespace,
        topK: documentIds && !canFilter ? MOST_FOUND : Math.min(limit, MOST_FOUND),
        ...(canFilter ? { filter: { document: { $in: documentIds } } } : {}),
      });
      return matches.map(({ id, score }) => ({ id: numberOf(id), similarity: score }));
    },
    has: async (ids) => (await get(ids)).length === new Set(ids).size,
    get,
    async delete(ids) {
      for (const page of pages(ids, MOST_UPSERTED)) await index.deleteByIds(page.map(idOf));
    },
  };
}

const numberOf = (id: string) => Number(id.split(".")[0]);

const pages = <T>(items: T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, page) => items.slice(page * size, (page + 1) * size));
