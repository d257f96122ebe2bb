import { DurableObject } from "cloudflare:workers";

export type Vector = { id: number; values: Float32Array };
export type Near = { id: number; similarity: number };

/** Vectors in a table, each of which is looked at for each question. */
export class ScanObject extends DurableObject {
  readonly #sql = this.ctx.storage.sql;

  insert(vectors: Vector[]): void {
    this.#sql.exec("create table if not exists vectors (id integer primary key, vector blob)");
    for (const { id, values } of vectors)
      this.#sql.exec("insert or replace into vectors values (?, ?)", id, values.buffer);
  }

  nearest(wanted: Float32Array, limit: number): Near[] {
    const best: Near[] = [];
    for (const [id, vector] of this.#sql.exec("select id, vector from vectors").raw<[number, ArrayBuffer]>()) {
      const similarity = cosine(new Float32Array(vector), wanted);
      if (best.length === limit && similarity <= best[limit - 1]!.similarity) continue;
      best.push({ id, similarity });
      best.sort((a, b) => b.similarity - a.similarity);
      best.length = Math.min(best.length, limit);
    }
    return best;
  }
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [product, lengthA, lengthB] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    product += a[at]! * b[at]!;
    lengthA += a[at]! * a[at]!;
    lengthB += b[at]! * b[at]!;
  }
  return product / Math.sqrt(lengthA * lengthB);
}
