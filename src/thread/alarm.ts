/** An object's one alarm, shared by all who need it: it rings at the earliest time that was asked for. */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  readonly #latest: () => number;
  #at: number | null = null;

  /** `latest` says when it must ring in any case: a time that was stored, and that an eviction does not make us forget. */
  constructor(storage: DurableObjectStorage, latest: () => number) {
    this.#storage = storage;
    this.#latest = latest;
  }

  /** What was asked for before an eviction is forgotten here, so that the alarm may ring earlier than needed, never later. */
  arm(wanted: number): void {
    const at = Math.min(wanted, this.#latest());
    if (at === Infinity) return;
    if (this.#at !== null && this.#at <= at && this.#at > Date.now()) return;
    this.#at = at;
    void this.#storage.setAlarm(at);
  }

  get isArmed(): boolean {
    return this.#at !== null;
  }

  /** It has rung: nothing is armed any more. */
  rung(): void {
    this.#at = null;
  }

  async disarm(): Promise<void> {
    this.#at = null;
    await this.#storage.deleteAlarm();
  }
}
