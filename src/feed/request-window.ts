const MINUTE_MS = 60_000;

/** The requests of the last minute. They are not stored: an object that was evicted had nothing to count. */
export class RequestWindow {
  #times: number[] = [];

  /** Counts a request, or answers how many seconds it has to wait; 0: admitted. */
  admit(perMinute: number, now: number): number {
    this.#times = this.#times.filter((time) => time > now - MINUTE_MS);
    if (this.#times.length < perMinute) {
      this.#times.push(now);
      return 0;
    }
    const free = this.#times.at(-perMinute) ?? now;
    return Math.max(1, Math.ceil((free + MINUTE_MS - now) / 1000));
  }
}
