import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { once } from "node:events";

const CLI = "node_modules/wrangler/wrangler-dist/cli.js";
const SPARE = new URL("spare-wrangler.ts", import.meta.url).href;

/** Settings are read from the file that is named, no network is looked for, no console over the database is served. */
const QUIET = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: "true",
  WRANGLER_SEND_METRICS: "false",
  X_LOCAL_EXPLORER: "false",
};

/** Starts wrangler as a direct child: its own starter would not pass signals on. */
export const startWrangler = (args: string[], stdio: StdioOptions): ChildProcess =>
  spawn(process.execPath, ["--no-warnings", "--import", SPARE, CLI, ...args], {
    stdio,
    env: { ...process.env, ...QUIET },
  });

/** Runs wrangler to its end and answers what it printed. */
export async function outputOf(args: string[]): Promise<{ code: number; output: string }> {
  const child = startWrangler(args, ["ignore", "pipe", "pipe"]);
  let output = "";
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (chunk: Buffer) => (output += String(chunk)));
  const [code] = (await once(child, "close")) as [number | null];
  return { code: code ?? 1, output };
}

/** Runs wrangler to its end, before our eyes or quietly; a failure is shown and ends this process. */
export async function runWrangler(args: string[], show: "inherit" | "quiet"): Promise<void> {
  if (show === "inherit") {
    const [code] = (await once(startWrangler(args, "inherit"), "close")) as [number | null];
    if (code !== 0) process.exit(code ?? 1);
    return;
  }
  const { code, output } = await outputOf(args);
  if (code === 0) return;
  console.error(output);
  process.exit(code);
}
