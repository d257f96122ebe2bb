import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ServerApi } from "./api.ts";

/** What the demo consists of; kept in the state folder, so that it is made once. */
export type Demo = { key: string; botId: string; chatId: string; storeId: string };

const INSTRUCTION = `You are the assistant of Lighthouse Books, a small bookshop that runs on Parley. Be friendly and brief.
Answer from the documents: those of the shop say how it works, all others say how Parley does.`;

/** A machine that is busy with other things takes its time to start a server. */
export const PATIENCE = { patienceMs: 120_000 };

/** Where a running server's demo is remembered. */
export const demoFile = (folder: string) => join(folder, "demo.json");

/** Makes the demo through the API, or finds the one that was made before. */
export async function seedDemo(url: string, rootKey: string, folder: string): Promise<Demo> {
  const file = demoFile(folder);
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Demo) : null;
  if (known && (await isThere(url, known))) return known;
  const attempt = attemptIn(folder);
  const demo = await createDemo(url, rootKey, attempt.id);
  writeFileSync(file, JSON.stringify(demo, null, 2), { mode: 0o600 });
  attempt.end();
  return demo;
}

async function isThere(url: string, { key, chatId, storeId }: Demo): Promise<boolean> {
  const api = new ServerApi(url, key, PATIENCE);
  const found = await Promise.all(
    [`/chats/${chatId}`, `/vector_stores/${storeId}`].map((path) => api.fetch("GET", path)),
  );
  return found.every(({ ok }) => ok);
}

/** The attempt at making a demo that was broken off, or a new one: what it had made is not made twice. */
function attemptIn(folder: string): { id: string; end: () => void } {
  const file = join(folder, "demo-attempt");
  if (!existsSync(file)) writeFileSync(file, randomUUID());
  return { id: readFileSync(file, "utf8"), end: () => rmSync(file) };
}

async function createDemo(url: string, rootKey: string, attempt: string): Promise<Demo> {
  const as = (key: string) => {
    const api = new ServerApi(url, key, PATIENCE);
    return (path: string, body: object) => api.post<{ id: string; key: string }>(path, body, `${attempt}${path}`);
  };
  const root = as(rootKey);
  const project = await root("/projects", { name: "Demo", organization_id: "demo" });
  const { key } = await root(`/projects/${project.id}/api-keys`, { name: "Demo" });
  const post = as(key);
  const bot = await post("/bots", { name: "Lighthouse Books" });
  await post(`/bots/${bot.id}/settings`, {
    ai: { instruction: INSTRUCTION, memory: { generateTitle: true }, tools: { handoff_to_operator: "auto" } },
  });
  const website = await post("/integrations", { name: "Website", vendor: "worken", auth_data: {} });
  const chat = await post(`/integrations/${website.id}/chats`, { bot_id: bot.id, name: "Website" });
  const store = await post("/vector_stores", { name: "Documents" });
  return { key, botId: bot.id, chatId: chat.id, storeId: store.id };
}
