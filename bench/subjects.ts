import { createHash } from "node:crypto";
import { ServerApi } from "../scripts/api.ts";
import type { Target } from "./load.ts";
import { ROOT_KEY, startWorker, type Worker, type WorkerOptions } from "./workers.ts";

const INSTRUCTION = "You are the assistant of a small bookshop. Be friendly and brief.";
const MODEL = "openai/bench-model";
const REMEMBERED = 50;
/** More than are ever talked to at once, so that no turn waits for another one of its thread. */
const OLD_THREADS = 128;

/** A Worker with one project, bot and chat, to which turns can be sent. */
export type Subject = Worker &
  Seat & {
    newThreads: () => Target;
    oldThreads: Target;
    /** The answer of the model, only passed on; the bare Worker alone can do that. */
    passed: Target;
  };

type Options = WorkerOptions & { upstreamUrl: string };
/** The caller's project, his key, and where he talks. */
type Seat = { projectId: string; key: string; chatId: string };

export async function startParley(options: Options): Promise<Subject> {
  const worker = await startWorker("parley", withModel(options));
  return subject(worker, await seedByApi(worker.url));
}

export async function startBare(options: Options): Promise<Subject> {
  const worker = await startWorker("bare", withModel(options));
  return subject(worker, await seedByHand(worker));
}

const withModel = ({ upstreamUrl, bindings, ...options }: Options): WorkerOptions => ({
  ...options,
  bindings: { OPENAI_API_KEY: "bench", OPENAI_BASE_URL: upstreamUrl, ...bindings },
});

function subject(worker: Worker, seat: Seat): Subject {
  const { key, chatId } = seat;
  let runs = 0;
  const target = (threadOf: (turn: number) => string, action = "stream"): Target => ({
    url: (turn) => `${worker.url}/chats/${chatId}/threads/${threadOf(turn)}/${action}`,
    key,
    body: JSON.stringify({ messages: [{ role: "user", content: "Which books about lighthouses do you have?" }] }),
    word: '"text-delta"',
    end: '"finish"',
  });
  return {
    ...worker,
    ...seat,
    newThreads() {
      const run = ++runs;
      return target((turn) => `new-${run}-${turn}`);
    },
    oldThreads: target((turn) => `old-${turn % OLD_THREADS}`),
    passed: { ...target((turn) => `${turn}`, "passed"), word: '"content"', end: "[DONE]" },
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
  return { projectId: project.id, key, chatId: chat.id };
}

async function seedByHand({ miniflare }: Worker): Promise<Seat> {
  const key = `sk-${"0".repeat(48)}`;
  const [db, id, hash] = [await miniflare.getD1Database("DB"), "bench", createHash("sha256").update(key).digest("hex")];
  const settings = JSON.stringify({ model: "bench-model", instruction: INSTRUCTION });
  await db.batch([
    db.prepare("insert into projects (id, name, organization_id, created_at) values (?, 'Bench', 'bench', 0)").bind(id),
    db
      .prepare("insert into api_keys (id, project_id, name, hash, created_at) values (?, ?, 'Bench', ?, 0)")
      .bind(id, id, hash),
    db
      .prepare(
        `insert into bots (id, project_id, name, status, settings, created_at, updated_at)
         values (?, ?, 'Bench', 'active', ?, 0, 0)`,
      )
      .bind(id, id, settings),
    db
      .prepare(
        `insert into chats (id, project_id, bot_id, integration_id, name, status, settings, created_at, updated_at)
         values (?, ?, ?, ?, 'Bench', 'active', '{}', 0, 0)`,
      )
      .bind(id, id, id, id),
  ]);
  return { projectId: id, key, chatId: id };
}

/** How many turns give each of the old threads so many messages. */
export const turnsForMessages = (messages: number) => (OLD_THREADS * messages) / 2;
