import type { OpenVectors, VectorIndex } from "../core/ports.ts";
import { objectIndex } from "../vectors/object-index.ts";
import { vectorizeIndex } from "../vectors/vectorize-index.ts";
import type { Env } from "./env.ts";

/** Where Vectorize is bound, vectors of its length lie there, all others in the object of their store. */
export const openVectors =
  (env: Pick<Env, "VECTORS" | "VECTOR_STORES">, projectId: string): OpenVectors =>
  ({ storeId, space, dimensions, own = false }) => {
    const inObject = objectIndex(env.VECTOR_STORES, `${projectId}/${storeId}`, space);
    const { VECTORS } = env;
    if (!VECTORS || own) return inObject;
    const inVectorize = vectorizeIndex(VECTORS, storeId, space);
    const index = async () => ((await dimensionsOf(VECTORS)) === dimensions ? inVectorize : inObject);
    return {
      upsert: async (vectors) => (await index()).upsert(vectors),
      query: async (vector, options) => (await index()).query(vector, options),
      has: async (ids) => (await index()).has(ids),
      get: async (ids) => (dimensions === null ? getFrom([inVectorize, inObject], ids) : (await index()).get(ids)),
      delete: async (ids) => deleteFrom(dimensions === null ? [inVectorize, inObject] : [await index()], ids),
    };
  };

const getFrom = async (indexes: VectorIndex[], ids: number[]) =>
  (await Promise.all(indexes.map((each) => each.get(ids)))).flat();

const deleteFrom = async (indexes: VectorIndex[], ids: number[]) =>
  void (await Promise.all(indexes.map((each) => each.delete(ids))));

const known = new WeakMap<Vectorize, Promise<number>>();

/** Never changes for an index; a failed question is asked again. */
function dimensionsOf(index: Vectorize): Promise<number> {
  let asked = known.get(index);
  if (!asked) {
    asked = index.describe().then(({ dimensions }) => dimensions);
    asked.catch(() => known.delete(index));
    known.set(index, asked);
  }
  return asked;
}
