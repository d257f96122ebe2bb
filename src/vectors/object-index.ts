import type { VectorIndex } from "../core/ports.ts";
import type { VectorObject } from "./vector-object.ts";

type Stub = Pick<VectorObject, "upsert" | "query" | "has" | "get" | "delete">;

/** Vectors in an object of their store. */
export function objectIndex(namespace: DurableObjectNamespace, key: string, space: number): VectorIndex {
  // The namespace does not know its class; VectorObject is what it holds.
  const stub = namespace.get(namespace.idFromName(key)) as unknown as Stub;
  return {
    upsert: (vectors) => stub.upsert(space, vectors),
    query: (vector, options) => stub.query(space, { vector, ...options }),
    has: (ids) => stub.has(space, ids),
    get: (ids) => stub.get(space, ids),
    delete: (ids) => stub.delete(space, ids),
  };
}
