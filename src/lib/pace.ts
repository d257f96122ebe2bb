/**
 * For work that computes for long, during which nobody else in the same process would be served: waits a moment whenever a
 * portion of it is done.
 */
export class Pace {
  readonly #portion: number;
  #done = 0;

  /** `portion`: of what `after` counts. */
  constructor(portion: number) {
    this.#portion = portion;
  }

  async after(amount: number): Promise<void> {
    this.#done += amount;
    if (this.#done < this.#portion) return;
    this.#done = 0;
    await scheduler.wait(0);
  }
}
