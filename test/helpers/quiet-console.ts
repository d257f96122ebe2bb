import { afterEach } from "vitest";

type Print = ((...values: unknown[]) => void) & { real?: Print };

const LEVELS = ["error", "warn", "info", "debug"] as const;

/**
 * Keeps what is logged, and prints it only where a test has failed. Vitest tells its main process of every line, and waits for
 * that at the end of a file: where an object or a queue has logged it, in their context, in which its last word is then lost,
 * and the whole run waits for it without end. The access log of a thousand requests helps nobody here.
 */
export function keepQuiet(): void {
  const said: string[] = [];
  const print: Print = (console.error as Print).real ?? console.error;
  for (const level of LEVELS) {
    const keep: Print = (...values) => void said.push(values.map(readable).join(" "));
    keep.real = print;
    console[level] = keep;
  }
  // oxlint-disable-next-line no-console -- here it is silenced
  console.log = () => undefined;
  afterEach(({ task }) => {
    if (task.result?.state === "fail" && said.length > 0) print(said.join("\n"));
    said.length = 0;
  });
}

const readable = (value: unknown) =>
  value instanceof Error ? (value.stack ?? value.message) : typeof value === "string" ? value : JSON.stringify(value);
