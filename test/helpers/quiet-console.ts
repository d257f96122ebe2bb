import { afterEach } from "vitest";

type Print = ((...values: unknown[]) => void) & { real?: Print };

/**
 * Keeps what is logged, and prints it only where a test has failed. Vitest tells its main process of every line, and waits for
 * that at the end of a file: where an object or a queue has logged it, in their context, in which its last word is then lost,
 * and the whole run waits for it without end.
 */
const said: string[] = [];
const print: Print = (console.error as Print).real ?? console.error;

for (const level of ["error", "warn", "info", "debug"] as const) {
  const keep: Print = (...values) => void said.push(values.map(readable).join(" "));
  keep.real = print;
  console[level] = keep;
}

afterEach(({ task }) => {
  if (task.result?.state === "fail" && said.length > 0) print(said.join("\n"));
  said.length = 0;
});

function readable(value: unknown): string {
  if (value instanceof Error) return value.stack ?? value.message;
  return typeof value === "string" ? value : JSON.stringify(value);
}
