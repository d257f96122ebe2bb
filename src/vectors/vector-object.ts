import { DurableObject } from "cloudflare:workers";
import type { NearVector, StoredVector } from "../core/ports.ts";
import { CoarseVectors } from "./coarse-vectors.ts";
import { dot, unit, type Row } from "./unit-vectors.ts";

/** So much of an object's memory may hold coarse copies of its vectors; with more, every query reads the table. */
const MOST_COARSE_BYTES = 100_000_000;
/** Of so many times the wanted vectors the exact distance is taken. */
const RESCORED = 4;
const LEAST_RESCORED = 50;

export type VectorQuery = { vector: Float32Array; limit: number; documentIds?: string[] };

/** The vectors of one store, searched exactly. A store may have two spaces while its embedding model changes. */
export class VectorObject extends DurableObject {
  readonly #sql = this.ctx.storage.sql;
  #hasTable = this.#sql.exec("select 1 from sqlite_master where name = 'vectors'").toArray().length > 0;
  readonly #coarse = new Map<number, CoarseVectors>();

  async upsert(space: number, vectors: StoredVector[]): Promise<void> {
    this.#createTable();
    const rows = vectors.map(({ id, documentId, values }) => ({ id, documentId, values: unit(values) }));
    this.ctx.storage.transactionSync(() => {
      for (const { id, documentId, values } of rows) {
        this.#sql.exec(
          `insert into vectors (space, id, document_id, unit) values (?, ?, ?, ?)
           on conflict (space, id) do update set document_id = excluded.document_id, unit = excluded.unit`,
          space,
          id,
          documentId,
          values.buffer,
        );
      }
    });
    const coarse = this.#coarse.get(space);
    for (const row of rows) coarse?.put(row);
    if (coarse && coarse.count * coarse.dimensions > MOST_COARSE_BYTES) this.#coarse.delete(space);
  }

  /** The nearest first. */
  async query(space: number, { vector, limit, documentIds }: VectorQuery): Promise<NearVector[]> {
    if (!this.#hasTable) return [];
    const wanted = unit(vector);
    const among = documentIds && new Set(documentIds);
    const coarse = this.#coarseOf(space, wanted.length);
    const rows = coarse
      ? this.#rows(space, coarse.nearest(wanted, Math.max(limit * RESCORED, LEAST_RESCORED), among))
      : this.#allRows(space);
    return nearest(rows, wanted, limit, among);
  }

  async has(space: number, ids: number[]): Promise<boolean> {
    if (!this.#hasTable) return ids.length === 0;
    const { count } = this.#sql
      .exec<{ count: number }>(
        "select count(*) as count from vectors where space = ? and id in (select value from json_each(?))",
        space,
        JSON.stringify(ids),
      )
      .one();
    return count === new Set(ids).size;
  }

  async get(space: number, ids: number[]): Promise<StoredVector[]> {
    if (!this.#hasTable) return [];
    return [...this.#rows(space, ids)].map(({ id, documentId, values }) => ({
      id,
      documentId,
      values: values.slice(),
    }));
  }

  /** What has no vectors left keeps nothing at all. */
  async delete(space: number, ids: number[]): Promise<void> {
    if (!this.#hasTable) return;
    this.#sql.exec(
      "delete from vectors where space = ? and id in (select value from json_each(?))",
      space,
      JSON.stringify(ids),
    );
    const coarse = this.#coarse.get(space);
    for (const id of ids) coarse?.remove(id);
    if (this.#sql.exec("select 1 from vectors limit 1").toArray().length > 0) return;
    this.#coarse.clear();
    await this.ctx.storage.deleteAll();
    this.#hasTable = false;
  }

  #createTable(): void {
    if (this.#hasTable) return;
    this.#sql.exec(
      `create table if not exists vectors (
         space integer not null, id integer not null, document_id text not null, unit blob not null,
         primary key (space, id))`,
    );
    this.#hasTable = true;
  }

  /** Made at the first query, and changed with what is written; null where it would be too large, or of vectors of another length. */
  #coarseOf(space: number, dimensions: number): CoarseVectors | null {
    const known = this.#coarse.get(space);
    if (known) return known.dimensions === dimensions ? known : null;
    const { count } = this.#sql
      .exec<{ count: number }>("select count(*) as count from vectors where space = ?", space)
      .one();
    if (count * dimensions > MOST_COARSE_BYTES) return null;
    const made = new CoarseVectors(dimensions, this.#allRows(space));
    this.#coarse.set(space, made);
    return made;
  }

  *#rows(space: number, ids: number[]): Generator<Row> {
    const cursor = this.#sql.exec<RawRow>(
      "select id, document_id, unit from vectors where space = ? and id in (select value from json_each(?))",
      space,
      JSON.stringify(ids),
    );
    for (const row of cursor) yield rowOf(row);
  }

  *#allRows(space: number): Generator<Row> {
    const cursor = this.#sql.exec<RawRow>("select id, document_id, unit from vectors where space = ?", space);
    for (const row of cursor) yield rowOf(row);
  }
}

type RawRow = { id: number; document_id: string; unit: ArrayBuffer };

const rowOf = (row: RawRow): Row => ({
  id: row.id,
  documentId: row.document_id,
  values: new Float32Array(row.unit),
});

function nearest(rows: Iterable<Row>, wanted: Float32Array, limit: number, among?: Set<string>): NearVector[] {
  const best: NearVector[] = [];
  let worst = -Infinity;
  for (const { id, documentId, values } of rows) {
    if (values.length !== wanted.length || (among && !among.has(documentId))) continue;
    const similarity = dot(values, wanted);
    if (best.length >= limit && similarity <= worst) continue;
    best.push({ id, similarity });
    best.sort((a, b) => b.similarity - a.similarity);
    if (best.length > limit) best.pop();
    worst = best.at(-1)!.similarity;
  }
  return best;
}
