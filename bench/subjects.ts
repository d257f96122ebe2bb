import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { ServerApi } from "../scripts/api.ts";
import { runWrangler } from "../scripts/wrangler.ts";
import type { Target } from "./load.ts";
import { childrenOf } from "./processes.ts";

const ROOT_KEY = "root-key-of-the-bench";
const ENCRYPTION_KEY = `k1:${Buffer.alloc(32, 7).toString("base64")}`;
const INSTRUCTION = "You are the assistant of a small bookshop. Be friendly and brief.";
const MODEL = "openai/bench-model";
const REMEMBERED = 50;
/** More than are ever talked to at once, so that no turn waits for another one of its thread. */
const OLD_THREADS = 128;

/** A Worker under test, alone in a workerd process of its own. */
export type Subject = {
  name: string;
  pid: number;
  bundle: Buffer;
  miniflare: Miniflare;
  newThreads: () => Target;
  oldThreads: Target;
  stop: () => Promise<void>;
};

type Seat = { url: string; key: string; chatId: string };
type Options = { folder: string; upstreamUrl: string; inspectorPort?: number };

export async function startParley(options: Options): Promise<Subject> {
  const worker = await startWorker("parley", "wrangler.toml", options);
  return subject(worker, await seedByApi(worker.url));
}

export async function startBare(options: Options): Promise<Subject> {
  const worker = await startWorker("bare", "bench/bare-object.toml", options);
  return subject(worker, await seedByHand(worker));
}

type Worker = Pick<Subject, "name" | "pid" | "bundle" | "miniflare"> & { url: string };

/** Builds as for deployment, binds as the configuration says, and listens without Miniflare's own Worker in front. */
async function startWorker(
  name: string,
  config: string,
  { folder, upstreamUrl, inspectorPort }: Options,
): Promise<Worker> {
  const [built, state] = [join(folder, `${name}-built`), join(folder, `${name}-state`)];
  await runWrangler(["deploy", "--config", config, "--dry-run", "--minify", "--outdir", built], "quiet");
  await runWrangler(["d1", "migrations", "apply", "DB", "--config", config, "--local", "--persist-to", state], "quiet");
  const { workerOptions, main } = unstable_getMiniflareWorkerOptions(config);
  const script = join(built, main!.replace(/^.*\//, "").replace(/\.ts$/, ".js"));
  const before = childrenOf("workerd");
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...workerOptions,
      name,
      rootPath: dirname(script),
      modules: [{ type: "ESModule", path: script }],
      bindings: { ROOT_KEY, ENCRYPTION_KEY, OPENAI_API_KEY: "bench", OPENAI_BASE_URL: upstreamUrl },
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
      resourcePersistencePath: join(state, "v3"),
      handleStructuredLogs: showProblems,
      ...(inspectorPort === undefined ? {} : { inspectorPort }),
    }),
  );
  await miniflare.ready;
  const url = (await miniflare.unsafeGetDirectURL()).origin;
  const pid = childrenOf("workerd").find((child) => !before.includes(child))!;
  return { name, pid, bundle: readFileSync(script), miniflare, url };
}

function showProblems({ level, message }: { level: string; message: string }): void {
  if (level === "error" || level === "warn") console.error(message);
}

function subject({ url, ...worker }: Worker, { key, chatId }: Seat): Subject {
  let runs = 0;
  const target = (threadOf: (turn: number) => string): Target => ({
    url: (turn) => `${url}/chats/${chatId}/threads/${threadOf(turn)}/stream`,
    key,
    body: JSON.stringify({ messages: [{ role: "user", content: "Which books about lighthouses do you have?" }] }),
    word: '"text-delta"',
    end: '"finish"',
  });
  return {
    ...worker,
    newThreads() {
      const run = ++runs;
      return target((turn) => `new-${run}-${turn}`);
    },
    oldThreads: target((turn) => `old-${turn % OLD_THREADS}`),
    stop: () => worker.miniflare.dispose(),
  };
}

async function seedByApi(url: string): Promise<Seat> {
  const root = new ServerApi(url, ROOT_KEY);
  const project = await root.post<{ id: string }>("/projects", { name: "Bench", organization_id: "bench" });
  const { key } = await root.post<{ key: string }>(`/projects/${project.id}/api-keys`, { name: "Bench" });
  const api = new ServerApi(url, key);
  const bot = await api.post<{ id: string }>("/bots", { name: "Bench" });
  await api.post(`/bots/${bot.id}/settings`, {
    ai: { instruction: INSTRUCTION, model: { id: MODEL }, memory: { lastMessages: REMEMBERED } },
  });
  const site = await api.post<{ id: string }>("/integrations", { name: "Bench", vendor: "worken", auth_data: {} });
  const chat = await api.post<{ id: string }>(`/integrations/${site.id}/chats`, { bot_id: bot.id, name: "Bench" });
  return { url, key, chatId: chat.id };
}

async function seedByHand({ miniflare, url }: Worker): Promise<Seat> {
  const key = `sk-${"0".repeat(48)}`;
  const [db, id, hash] = [await miniflare.getD1Database("DB"), "bench", createHash("sha256").update(key).digest("hex")];
  const settings = JSON.stringify({ model: "bench-model", instruction: INSTRUCTION });
  await db.batch([
    db.prepare("insert into projects values (?, 'Bench', 'bench', null, null, 0)").bind(id),
    db.prepare("insert into api_keys values (?, ?, 'Bench', ?, null, 0)").bind(id, id, hash),
    db.prepare("insert into bots values (?, ?, 'Bench', null, 'active', ?, 0, 0, null)").bind(id, id, settings),
    db.prepare("insert into chats values (?, ?, ?, ?, 'Bench', 'active', '{}', 0, 0, null)").bind(id, id, id, id),
  ]);
  return { url, key, chatId: id };
}

/** How many turns give each of the old threads so many messages. */
export const turnsForMessages = (messages: number) => (OLD_THREADS * messages) / 2;

export const gzipBytes = (bundle: Buffer) => gzipSync(bundle, { level: 9 }).length;
