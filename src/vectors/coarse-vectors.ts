import type { Row } from "./unit-vectors.ts";

/** Unit vectors as bytes, a quarter of their size: exact enough to tell which are worth an exact look. */
export class CoarseVectors {
  readonly dimensions: number;
  readonly #ids: number[] = [];
  readonly #documents: string[] = [];
  readonly #bytes: Int8Array;
  readonly #scales: Float32Array;

  constructor(count: number, dimensions: number, rows: Iterable<Row>) {
    this.dimensions = dimensions;
    this.#bytes = new Int8Array(count * dimensions);
    this.#scales = new Float32Array(count);
    for (const row of rows) if (row.values.length === dimensions) this.#add(row);
  }

  /** The ids of the vectors that seem nearest. */
  nearest(wanted: Float32Array, limit: number, among?: Set<string>): number[] {
    const { dimensions } = this;
    const similarities = new Float32Array(this.#ids.length);
    for (let index = 0; index < similarities.length; index++) {
      const isAmong = !among || among.has(this.#documents[index]!);
      similarities[index] = isAmong ? this.#similarity(index * dimensions, wanted) * this.#scales[index]! : -Infinity;
    }
    const threshold = limitOf(similarities, limit);
    const ids: number[] = [];
    for (let index = 0; index < similarities.length; index++) {
      if (similarities[index]! >= threshold && similarities[index]! > -Infinity) ids.push(this.#ids[index]!);
    }
    return ids;
  }

  #similarity(start: number, wanted: Float32Array): number {
    let sum = 0;
    for (let at = 0; at < wanted.length; at++) sum += this.#bytes[start + at]! * wanted[at]!;
    return sum;
  }

  #add({ id, documentId, values }: Row): void {
    const index = this.#ids.length;
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const scale = largest / 127 || 1;
    this.#scales[index] = scale;
    for (let at = 0; at < values.length; at++)
      this.#bytes[index * this.dimensions + at] = Math.round(values[at]! / scale);
    this.#ids.push(id);
    this.#documents.push(documentId);
  }
}

/** The smallest of the `limit` largest values. */
function limitOf(values: Float32Array, limit: number): number {
  if (values.length <= limit) return -Infinity;
  return values.toSorted()[values.length - limit]!;
}
