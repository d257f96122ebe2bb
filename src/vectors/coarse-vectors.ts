import type { Row } from "./unit-vectors.ts";

/** They are kept in blocks of so many, so that more can be added without copying all. */
const PER_BLOCK = 1024;

/** Unit vectors as bytes, a quarter of their size: exact enough to tell which are worth an exact look. */
export class CoarseVectors {
  readonly dimensions: number;
  readonly #places = new Map<number, number>();
  readonly #ids: number[] = [];
  readonly #documents: string[] = [];
  readonly #scales: number[] = [];
  readonly #blocks: Int8Array[] = [];

  constructor(dimensions: number, rows: Iterable<Row>) {
    this.dimensions = dimensions;
    for (const row of rows) this.put(row);
  }

  get count(): number {
    return this.#ids.length;
  }

  /** The ids of the vectors that seem nearest. */
  nearest(wanted: Float32Array, limit: number, among?: Set<string>): number[] {
    const similarities = new Float32Array(this.count);
    for (let place = 0; place < similarities.length; place++) {
      const isAmong = !among || among.has(this.#documents[place]!);
      similarities[place] = isAmong ? this.#similarity(place, wanted) * this.#scales[place]! : -Infinity;
    }
    const threshold = limitOf(similarities, limit);
    return this.#ids.filter((_id, place) => similarities[place]! >= threshold && similarities[place]! > -Infinity);
  }

  /** Adds a vector, in place of one that it has under that id; one of another length is left out. */
  put({ id, documentId, values }: Row): void {
    if (values.length !== this.dimensions) return this.remove(id);
    const place = this.#places.get(id) ?? this.#ids.length;
    if (place % PER_BLOCK === 0) this.#blocks[place / PER_BLOCK] ??= new Int8Array(PER_BLOCK * this.dimensions);
    this.#places.set(id, place);
    [this.#ids[place], this.#documents[place]] = [id, documentId];
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const scale = largest / 127 || 1;
    this.#scales[place] = scale;
    const bytes = this.#bytesOf(place);
    for (let at = 0; at < values.length; at++) bytes[at] = Math.round(values[at]! / scale);
  }

  /** The last one takes its place. */
  remove(id: number): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    const last = this.count - 1;
    this.#bytesOf(place).set(this.#bytesOf(last));
    this.#places.set(this.#ids[last]!, place);
    this.#places.delete(id);
    for (const list of [this.#ids, this.#documents, this.#scales]) {
      list[place] = list[last]!;
      list.pop();
    }
  }

  #bytesOf(place: number): Int8Array {
    const start = (place % PER_BLOCK) * this.dimensions;
    return this.#blocks[Math.floor(place / PER_BLOCK)]!.subarray(start, start + this.dimensions);
  }

  #similarity(place: number, wanted: Float32Array): number {
    const block = this.#blocks[Math.floor(place / PER_BLOCK)]!;
    const start = (place % PER_BLOCK) * this.dimensions;
    let sum = 0;
    for (let at = 0; at < wanted.length; at++) sum += block[start + at]! * wanted[at]!;
    return sum;
  }
}

/** The smallest of the `limit` largest values. */
function limitOf(values: Float32Array, limit: number): number {
  if (values.length <= limit) return -Infinity;
  return values.toSorted()[values.length - limit]!;
}
