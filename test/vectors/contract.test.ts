import { abortAllDurableObjects } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { StoredVector, VectorIndex } from "../../src/core/ports.ts";
import { openVectors } from "../../src/runtime/vectors-port.ts";
import { eventually } from "../helpers/eventually.ts";
import { FakeVectorize } from "../helpers/vectorize.ts";

const DIMENSIONS = 8;
type Open = (place: { storeId: string; space?: number }) => VectorIndex;

const { VECTOR_STORES } = env;
const inObject = openVectors({ VECTOR_STORES }, crypto.randomUUID());
const inVectorize = openVectors({ VECTOR_STORES, VECTORS: new FakeVectorize(DIMENSIONS).binding }, crypto.randomUUID());
const MAKES: [string, Open][] = [
  ["VectorObject", ({ storeId, space = 1 }) => inObject({ storeId, space, dimensions: DIMENSIONS })],
  ["Vectorize", ({ storeId, space = 1 }) => inVectorize({ storeId, space, dimensions: DIMENSIONS })],
];

const newStore = () => ({ storeId: crypto.randomUUID() });
let nextId = 1;
/** A vector that points along one axis, a little off. */
const along = (axis: number, off = 0): Float32Array => {
  const vector = new Float32Array(DIMENSIONS);
  vector[axis] = 1;
  vector[(axis + 1) % DIMENSIONS] = off;
  return vector;
};
const vector = (values: Float32Array, documentId = "d"): StoredVector => ({ id: nextId++, documentId, values });

async function write(index: VectorIndex, ...vectors: StoredVector[]): Promise<number[]> {
  await index.upsert(vectors);
  const written = vectors.map(({ id }) => id);
  await eventually(async () => expect(await index.has(written)).toBe(true));
  return written;
}
const nearest = async (index: VectorIndex, to: Float32Array, options: { limit: number; documentIds?: string[] }) =>
  (await index.query(to, options)).map(({ id }) => id);

describe.each(MAKES)("%s", (_, open) => {
  it("finds the nearest first and says how near they are", async () => {
    const index = open(newStore());
    const [same, near, far] = await write(index, vector(along(0)), vector(along(0, 0.5)), vector(along(4)));
    expect(await nearest(index, along(0), { limit: 2 })).toEqual([same, near]);
    const found = await index.query(along(0), { limit: 10 });
    expect(found.map(({ id }) => id)).toEqual([same, near, far]);
    expect(found.map(({ similarity }) => similarity)).toEqual([
      expect.closeTo(1, 5),
      expect.closeTo(1 / Math.sqrt(1.25), 5),
      expect.closeTo(0, 5),
    ]);
  });

  it("replaces what is written again, and keeps one vector of it", async () => {
    const index = open(newStore());
    const first = vector(along(0));
    await write(index, first, vector(along(3)));
    await index.upsert([{ ...first, values: along(5) }]);
    await eventually(async () => expect(await nearest(index, along(5), { limit: 1 })).toEqual([first.id]));
    expect(await index.query(along(0), { limit: 10 })).toHaveLength(2);
  });

  it("finds among some documents only, however many they are", async () => {
    const index = open(newStore());
    const [a, b, c] = await write(index, vector(along(0), "a"), vector(along(0, 0.1), "b"), vector(along(0, 0.2), "c"));
    expect(await nearest(index, along(0), { limit: 5, documentIds: ["b", "c"] })).toEqual([b, c]);
    expect(await nearest(index, along(0), { limit: 5, documentIds: [] })).toEqual([]);
    const many = Array.from({ length: 500 }, (_value, at) => `document-${at}`);
    const found = await nearest(index, along(0), { limit: 5, documentIds: [...many, "a"] });
    expect(found).toContain(a);
    expect(found.length).toBeLessThanOrEqual([a, b, c].length);
  });

  it("keeps stores and spaces apart", async () => {
    const [mine, theirs] = [newStore(), newStore()];
    const [old] = await write(open(mine), vector(along(0)));
    await write(open(theirs), vector(along(0)));
    const [young] = await write(open({ ...mine, space: 2 }), { id: old!, documentId: "d", values: along(1) });
    expect(young).toBe(old);
    expect(await nearest(open(mine), along(0), { limit: 10 })).toEqual([old]);
    const inSecond = await open({ ...mine, space: 2 }).query(along(1), { limit: 10 });
    expect(inSecond).toEqual([{ id: old, similarity: expect.closeTo(1, 5) }]);
  });

  it("forgets what is deleted, and nothing else", async () => {
    const index = open(newStore());
    const [first, second] = await write(index, vector(along(0)), vector(along(1)));
    await index.delete([first!, 987_654]);
    await eventually(async () => expect(await nearest(index, along(0), { limit: 10 })).toEqual([second]));
    expect(await index.has([first!])).toBe(false);
  });

  it("gives back what it holds, and knows nothing of what it does not", async () => {
    const index = open(newStore());
    const written = Array.from({ length: 45 }, (_value, at) => vector(along(at % DIMENSIONS), `d${at}`));
    await write(index, ...written);
    const got = await index.get([...written.map(({ id }) => id), 987_654]);
    const documentOf = new Map(got.map(({ id, documentId }) => [id, documentId]));
    expect(documentOf).toEqual(new Map(written.map(({ id, documentId }) => [id, documentId])));
    expect(await open(newStore()).query(along(0), { limit: 3 })).toEqual([]);
    expect(await open(newStore()).has([1])).toBe(false);
  });
});

describe("VectorObject", () => {
  it("finds by its coarse copy what an exact scan finds", async () => {
    const [count, dimensions, limit] = [3000, 64, 10];
    const index = inObject({ ...newStore(), space: 1, dimensions });
    const random = (seed: number) =>
      Float32Array.from({ length: dimensions }, (_value, at) => Math.sin(seed * 7919 + at * seed));
    const vectors = Array.from({ length: count }, (_value, at) => ({
      id: at,
      documentId: "d",
      values: random(at + 1),
    }));
    for (let at = 0; at < count; at += 1000) await index.upsert(vectors.slice(at, at + 1000));
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, at) => sum + value * b[at]!, 0);
    const cosine = (a: Float32Array, b: Float32Array) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    let found = 0;
    for (let question = 0; question < 20; question++) {
      const wanted = random(10_000 + question);
      const exact = vectors
        .map(({ id, values }) => ({ id, similarity: cosine(values, wanted) }))
        .toSorted((a, b) => b.similarity - a.similarity)
        .slice(0, limit);
      const got = new Set((await index.query(wanted, { limit })).map(({ id }) => id));
      found += exact.filter(({ id }) => got.has(id)).length;
    }
    expect(found / (20 * limit)).toBeGreaterThanOrEqual(0.99);
  });

  it("finds what is written, replaced and deleted between questions as it would if it had begun with that", async () => {
    const dimensions = 16;
    const random = (seed: number) =>
      Float32Array.from({ length: dimensions }, (_value, at) => Math.sin(seed * 7919 + at * seed));
    const held = new Map<number, StoredVector>();
    const index = inObject({ ...newStore(), space: 1, dimensions });
    for (let step = 1; step <= 12; step++) {
      const written = Array.from({ length: 300 }, (_value, at) => ({
        id: (step * 211 + at) % 2100,
        documentId: `d${step % 3}`,
        values: random(step * 1000 + at),
      }));
      await index.upsert(written);
      for (const each of written) held.set(each.id, each);
      const deleted = Array.from({ length: 40 }, (_value, at) => (step * 97 + at * 5) % 2100);
      await index.delete(deleted);
      for (const id of deleted) held.delete(id);
      const fresh = inObject({ ...newStore(), space: 1, dimensions });
      await fresh.upsert([...held.values()]);
      for (const documentIds of [undefined, ["d1"]]) {
        const options = { limit: 8, ...(documentIds ? { documentIds } : {}) };
        expect(await index.query(random(step), options)).toEqual(await fresh.query(random(step), options));
      }
    }
    const found = await Promise.all([...held.values()].map(({ values }) => index.query(values, { limit: 1 })));
    expect(found.map(([first]) => first!.id)).toEqual([...held.keys()]);
  });

  it("keeps its vectors when its memory is lost", async () => {
    const place = { ...newStore(), space: 1, dimensions: DIMENSIONS };
    const [id] = await write(inObject(place), vector(along(2)));
    expect(await nearest(inObject(place), along(2), { limit: 1 })).toEqual([id]);
    await abortAllDurableObjects();
    expect(await nearest(inObject(place), along(2), { limit: 1 })).toEqual([id]);
  });
});

describe("where Vectorize is bound", () => {
  it("vectors of another length lie in the object", async () => {
    const place = { ...newStore(), space: 1, dimensions: 3 };
    await inVectorize(place).upsert([{ id: 1, documentId: "d", values: new Float32Array([1, 0, 0]) }]);
    expect(await inVectorize(place).query(new Float32Array([1, 0, 0]), { limit: 1 })).toHaveLength(1);
    await inVectorize({ ...place, dimensions: null }).delete([1]);
    expect(await inVectorize(place).query(new Float32Array([1, 0, 0]), { limit: 1 })).toEqual([]);
  });
});
