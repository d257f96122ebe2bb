type Stored = VectorizeVector & { values: number[] };
type Mutation = (vectors: Map<string, Stored>) => void;

const fail = (code: number, message: string): never => {
  throw new Error(`VECTOR_ERROR (code = ${code}): ${message}`);
};

/**
 * Vectorize as its documentation describes it: what is written shows some reads later, ids are unique in the whole index, and
 * every limit is enforced. Only the property `document` has a metadata index.
 */
export class FakeVectorize {
  readonly dimensions: number;
  #shown = new Map<string, Stored>();
  #waiting: Mutation[] = [];
  readonly #delay: number;
  #reads = 0;

  constructor(dimensions: number, delay = 2) {
    this.dimensions = dimensions;
    this.#delay = delay;
  }

  get binding(): Vectorize {
    // The binding has more verbs than anybody uses here.
    return this as unknown as Vectorize;
  }

  async describe() {
    return {
      dimensions: this.dimensions,
      vectorCount: this.#shown.size,
      processedUpToDatetime: 0,
      processedUpToMutation: "",
    };
  }

  async upsert(vectors: VectorizeVector[]) {
    if (vectors.length > 1000) fail(40008, "too many vectors in one request");
    for (const { id, values, namespace } of vectors) {
      if (new TextEncoder().encode(id).length > 64) fail(40006, "id too long");
      if (namespace && new TextEncoder().encode(namespace).length > 64) fail(40012, "namespace too long");
      if (values.length !== this.dimensions) fail(40012, `invalid vector, expected ${this.dimensions} dimensions`);
    }
    const stored = vectors.map((vector) => ({ ...vector, values: Array.from(vector.values) }));
    return this.#write((all) => stored.forEach((vector) => all.set(vector.id, vector)));
  }

  async deleteByIds(ids: string[]) {
    if (ids.length > 1000) fail(40007, "too many ids");
    return this.#write((all) => ids.forEach((id) => all.delete(id)));
  }

  async getByIds(ids: string[]): Promise<VectorizeVector[]> {
    if (ids.length > 20) fail(40007, "too many ids");
    this.#read();
    return ids.flatMap((id) => this.#shown.get(id) ?? []);
  }

  async query(vector: ArrayLike<number>, options: VectorizeQueryOptions = {}): Promise<VectorizeMatches> {
    const { topK = 5, namespace, filter, returnMetadata = "none", returnValues = false } = options;
    const most = returnValues || returnMetadata === "all" ? 20 : 100;
    if (topK < 1 || topK > most) fail(40010, `topK must be between 1 and ${most}`);
    if (vector.length !== this.dimensions) fail(40006, `invalid query vector, expected ${this.dimensions} dimensions`);
    if (filter && JSON.stringify(filter).length >= 2048) fail(40010, "filter too large");
    if (filter && Object.keys(filter).some((key) => key !== "document")) fail(40010, "no metadata index");
    this.#read();
    const wanted = (filter as { document?: { $in: string[] } } | undefined)?.document?.$in;
    const matches = [...this.#shown.values()]
      .filter(
        (each) => each.namespace === namespace && (!wanted || wanted.includes(each.metadata?.["document"] as string)),
      )
      .map(({ id, values }) => ({ id, score: cosine(values, vector) }))
      .toSorted((a, b) => b.score - a.score)
      .slice(0, topK);
    return { matches, count: matches.length };
  }

  #write(mutation: Mutation) {
    this.#waiting.push(mutation);
    this.#reads = 0;
    return { mutationId: crypto.randomUUID() };
  }

  /** What was written shows once somebody has looked often enough. */
  #read(): void {
    if (this.#reads++ < this.#delay) return;
    for (const mutation of this.#waiting.splice(0)) mutation(this.#shown);
  }
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, first, second] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    dot += a[at]! * b[at]!;
    first += a[at]! ** 2;
    second += b[at]! ** 2;
  }
  return dot / Math.sqrt(first * second);
}
