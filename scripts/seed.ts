import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ServerApi } from "./api.ts";

/** What the demo consists of; kept in the state folder, so that it is made once. */
export type Demo = { key: string; botId: string; chatId: string };

const INSTRUCTION = `You are the assistant of Lighthouse Books, a small bookshop. Be friendly and brief.

Return policy: A book may be returned within 30 days of delivery, unread and in its original condition. Signed copies and e-books cannot be returned.
Refunds: The money is sent back to the card that was used within 5 working days of the book's arrival at our warehouse. Shipping costs are refunded only if the book was damaged or wrong.
How to return: Write your order number on a note, put it into the parcel with the book, and send it to Lighthouse Books, 12 Harbour Street. You can also bring it to the shop.
Delivery: Orders are sent within one working day. Delivery takes two to four days inside the country and up to ten days abroad. Delivery is free from 30 euros.
Opening hours: The shop is open Monday to Saturday from 9 in the morning to 7 in the evening.`;

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

const isThere = async (url: string, { key, chatId }: Demo) =>
  (await new ServerApi(url, key).fetch("GET", `/chats/${chatId}`)).ok;

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
  return { key, botId: bot.id, chatId: chat.id };
}
