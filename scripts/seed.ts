import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ServerApi } from "./api.ts";

/** What the demo consists of; kept in the state folder, so that it is made once. */
export type Demo = { key: string; botId: string; chatId: string; storeId: string };

const INSTRUCTION = `You are the assistant of Lighthouse Books, a small bookshop that runs on Parley. Be friendly and brief.
Answer from the documents: those of the shop say how it works, all others say how Parley does.`;

/** Where a running server's demo is remembered. */
export const demoFile = (folder: string) => join(folder, "demo.json");

/** Makes the demo through the API, or finds the one that was made before. */
export async function seedDemo(url: string, rootKey: string, folder: string): Promise<Demo> {
  const file = demoFile(folder);
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Demo) : null;
  if (known && (await isThere(url, known))) return known;
  const demo = await createDemo(url, rootKey);
  writeFileSync(file, JSON.stringify(demo, null, 2), { mode: 0o600 });
  return demo;
}

async function isThere(url: string, { key, chatId, storeId }: Demo): Promise<boolean> {
  const api = new ServerApi(url, key);
  const found = await Promise.all(
    [`/chats/${chatId}`, `/vector_stores/${storeId}`].map((path) => api.fetch("GET", path)),
  );
  return found.every(({ ok }) => ok);
}

async function createDemo(url: string, rootKey: string): Promise<Demo> {
  const root = new ServerApi(url, rootKey);
  const project = await root.post<{ id: string }>("/projects", { name: "Demo", organization_id: "demo" });
  const { key } = await root.post<{ key: string }>(`/projects/${project.id}/api-keys`, { name: "Demo" });
  const api = new ServerApi(url, key);
  const bot = await api.post<{ id: string }>("/bots", { name: "Lighthouse Books" });
  await api.post(`/bots/${bot.id}/settings`, {
    ai: { instruction: INSTRUCTION, memory: { generateTitle: true }, tools: { handoff_to_operator: "auto" } },
  });
  const website = await api.post<{ id: string }>("/integrations", { name: "Website", vendor: "worken", auth_data: {} });
  const chat = await api.post<{ id: string }>(`/integrations/${website.id}/chats`, { bot_id: bot.id, name: "Website" });
  const store = await api.post<{ id: string }>("/vector_stores", { name: "Documents" });
  return { key, botId: bot.id, chatId: chat.id, storeId: store.id };
}
