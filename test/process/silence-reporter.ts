import type { Reporter, TestModule } from "vitest/node";

/** No test of the pool's is silent for longer than its own limit; the process tests have one of five minutes. */
const PATIENCE_MS = { workerd: 150_000, process: 360_000 };
const LOOK_EVERY_MS = 5000;

/**
 * Ends a run that has fallen silent, and fails it. A pool whose last word is lost, because a test went on in the context of
 * an object that is gone, waits for it without end.
 */
export class SilenceReporter implements Reporter {
  readonly #open = new Set<TestModule>();
  #heardAt = Date.now();
  #timer: NodeJS.Timeout | undefined;

  onTestRunStart(): void {
    this.#heardAt = Date.now();
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  onTestRunEnd(): void {
    clearInterval(this.#timer);
  }

  onTestModuleStart(module: TestModule): void {
    this.#open.add(module);
    this.#heardAt = Date.now();
  }

  onTestModuleEnd(module: TestModule): void {
    this.#open.delete(module);
    this.#heardAt = Date.now();
  }

  onTestCaseResult(): void {
    this.#heardAt = Date.now();
  }

  #look(): void {
    const open = [...this.#open];
    const isPatient = open.some(({ project }) => project.name === "process");
    if (Date.now() - this.#heardAt < (isPatient ? PATIENCE_MS.process : PATIENCE_MS.workerd)) return;
    const names = open.map(({ relativeModuleId }) => relativeModuleId).join(", ") || "any file";
    console.error(`Nothing was heard from ${names} for too long: the run is given up.`);
    process.exit(1);
  }
}
