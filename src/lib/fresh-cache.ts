type Entry<V> = { value: V; readAt: number; expired: boolean };

/**
 * Remembers what was read for as long as it counts as fresh; while it cannot be read again, an older value may serve for
 * a limited time.
 */
export class FreshCache<V> {
  readonly #freshMs: number;
  readonly #staleMs: number;
  readonly #mostEntries: number;
  readonly #entries = new Map<string, Entry<V>>();

  constructor(options: { freshMs: number; staleMs: number; mostEntries: number }) {
    this.#freshMs = options.freshMs;
    this.#staleMs = options.staleMs;
    this.#mostEntries = options.mostEntries;
  }

  /** Null is not remembered: what is not there yet may be there the next moment. Rejects as `read` does. */
  async get(key: string, now: number, read: () => Promise<V | null>): Promise<V | null> {
    const known = this.#entries.get(key);
    const ageMs = known ? now - known.readAt : Infinity;
    // A clock that was set back must not keep it fresh.
    if (known && !known.expired && ageMs >= 0 && ageMs < this.#freshMs) return known.value;
    try {
      return this.#keep(key, now, await read());
    } catch (error) {
      if (known && ageMs < this.#staleMs) return known.value;
      throw error;
    }
  }

  /** Everything is read again before it is used; what was read may still serve where it cannot be. */
  expire(): void {
    for (const entry of this.#entries.values()) entry.expired = true;
  }

  delete(matches: (value: V) => boolean): void {
    for (const [key, { value }] of this.#entries) if (matches(value)) this.#entries.delete(key);
  }

  #keep(key: string, now: number, value: V | null): V | null {
    this.#entries.delete(key);
    if (value === null) return null;
    if (this.#entries.size >= this.#mostEntries) this.#entries.delete(this.#entries.keys().next().value!);
    this.#entries.set(key, { value, readAt: now, expired: false });
    return value;
  }
}
