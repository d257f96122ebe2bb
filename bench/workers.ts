import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { runWrangler } from "../scripts/wrangler.ts";
import { childrenOf } from "./processes.ts";

export const ROOT_KEY = "root-key-of-the-bench";
const ENCRYPTION_KEY = `k1:${Buffer.alloc(32, 7).toString("base64")}`;

export const CONFIGS = { parley: "wrangler.toml", bare: "bench/bare/wrangler.toml" } as const;
export type WorkerName = keyof typeof CONFIGS;

/** A Worker in a workerd process of its own. */
export type Worker = {
  name: WorkerName;
  url: string;
  pid: number;
  miniflare: Miniflare;
  stop: () => Promise<void>;
};

export type WorkerOptions = {
  folder: string;
  state: string;
  bindings?: Record<string, string>;
  inspectorPort?: number;
};

/** Builds as for deployment, once; answers the script. */
export async function build(name: WorkerName, folder: string): Promise<string> {
  const [config, built] = [CONFIGS[name], join(folder, `${name}-built`)];
  const { main } = unstable_getMiniflareWorkerOptions(config);
  const script = join(built, main!.replace(/^.*\//, "").replace(/\.ts$/, ".js"));
  if (!existsSync(script))
    await runWrangler(["deploy", "--config", config, "--dry-run", "--minify", "--outdir", built], "quiet");
  return script;
}

/** Builds, makes the tables and starts. */
export async function startWorker(name: WorkerName, options: WorkerOptions): Promise<Worker> {
  const script = await build(name, options.folder);
  await migrate(name, options);
  return openWorker(name, script, options);
}

/** Binds as the configuration says, and listens without Miniflare's own Worker in front. */
export async function openWorker(name: WorkerName, script: string, options: WorkerOptions): Promise<Worker> {
  const { bindings, inspectorPort } = options;
  const { workerOptions } = unstable_getMiniflareWorkerOptions(CONFIGS[name]);
  const before = childrenOf("workerd");
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...workerOptions,
      name,
      rootPath: dirname(script),
      modules: [{ type: "ESModule", path: script }],
      bindings: { ROOT_KEY, ENCRYPTION_KEY, ...bindings },
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
      resourcePersistencePath: join(stateOf(name, options), "v3"),
      handleStructuredLogs: showProblems,
      ...(inspectorPort === undefined ? {} : { inspectorPort }),
    }),
  );
  await miniflare.ready;
  const url = (await miniflare.unsafeGetDirectURL()).origin;
  const pid = childrenOf("workerd").find((child) => !before.includes(child))!;
  return { name, url, pid, miniflare, stop: () => miniflare.dispose() };
}

const stateOf = (name: WorkerName, { state }: WorkerOptions) => join(state, name);

export const migrate = (name: WorkerName, options: WorkerOptions) =>
  runWrangler(
    ["d1", "migrations", "apply", "DB", "--config", CONFIGS[name], "--local", "--persist-to", stateOf(name, options)],
    "quiet",
  );

function showProblems({ level, message }: { level: string; message: string }): void {
  if (level === "error" || level === "warn") console.error(message);
}
