import type { VectorObject } from "../../src/vectors/vector-object.ts";
import type { Near, Vector } from "./scan-object.ts";

type Env = { SCANS: DurableObjectNamespace; VECTOR_STORES: DurableObjectNamespace };
type Scan = {
  insert: (vectors: Vector[]) => Promise<void>;
  nearest: (wanted: Float32Array, limit: number) => Promise<Near[]>;
};
type Stores = { scan: Scan; parley: Pick<VectorObject, "upsert" | "query"> };

const AT_ONCE = 1000;
const SPACE = 1;
/** Texts have subjects: without any, all vectors would be equally far from each other. */
const SUBJECTS = 200;
const NOISE = 0.7;

/** Two objects with the same vectors: one that looks at each, and Parley's. */
function storesOf(env: Env, name: string): Stores {
  // The namespaces do not know their classes.
  const scan = env.SCANS.get(env.SCANS.idFromName(name)) as unknown as Stores["scan"];
  const parley = env.VECTOR_STORES.get(env.VECTOR_STORES.idFromName(name)) as unknown as Stores["parley"];
  return { scan, parley };
}

const nameOf = (count: number, dimensions: number) => `${count} x ${dimensions}`;

export async function fill(env: Env, given: URLSearchParams): Promise<object> {
  const [count, dimensions] = [Number(given.get("count")), Number(given.get("dimensions"))];
  const { scan, parley } = storesOf(env, nameOf(count, dimensions));
  for (let from = 0; from < count; from += AT_ONCE) {
    const vectors = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, index) => ({
      id: from + index,
      documentId: `document-${Math.floor((from + index) / 20)}`,
      values: vectorOf(from + index, dimensions),
    }));
    await scan.insert(vectors);
    await parley.upsert(SPACE, vectors);
  }
  return { count };
}

/** The ids of what is nearest to a question, which none of the vectors is. */
export async function query(env: Env, given: URLSearchParams): Promise<number[]> {
  const [count, dimensions] = [Number(given.get("count")), Number(given.get("dimensions"))];
  const [question, limit] = [Number(given.get("question")), Number(given.get("limit"))];
  const { scan, parley } = storesOf(env, nameOf(count, dimensions));
  const vector = vectorOf(count + question, dimensions);
  const found =
    given.get("object") === "parley" ? await parley.query(SPACE, { vector, limit }) : await scan.nearest(vector, limit);
  return found.map(({ id }) => id);
}

/** The same for the same number: its subject, and what it says of it. */
function vectorOf(number: number, dimensions: number): Float32Array {
  const [subject, own] = [randomFrom(number % SUBJECTS), randomFrom(SUBJECTS + number)];
  return Float32Array.from({ length: dimensions }, () => subject() + NOISE * own());
}

/** Numbers between -1 and 1 (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}
