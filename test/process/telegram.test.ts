import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { freePort, Server } from "./server.ts";

const TOKEN = "424242:AAH-telegram";

type Sent = { at: number; text: string };
type Person = {
  sent: Sent[];
  typing: number;
  undelivered: number;
  limitedCalls: number;
  limitedUntil: number;
  webhook: unknown;
};

let server: Server;
let telegram: { url: string; process: ChildProcess };
let chatId: string;

const environment = () => ({
  TELEGRAM_API_BASE_URL: telegram.url,
  PUBLIC_URL: server.url,
  EMBEDDED_MODEL_DELAY_MS: "30",
});

beforeAll(async () => {
  const port = await freePort();
  const child = spawn(process.execPath, ["test/process/fake-bot-api.ts", String(port), TOKEN], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  telegram = { url: `http://127.0.0.1:${port}`, process: child };
  server = await Server.create();
  await server.start(environment());
  const integration = await create("/integrations", { name: "T", vendor: "telegram", auth_data: { token: TOKEN } });
  const chat = { bot_id: server.demo.botId, name: "Telegram", settings: { debounce_ms: 100 } };
  chatId = await create(`/integrations/${integration}/chats`, chat);
  while ((await person(1)).webhook === null) await new Promise((resolve) => setTimeout(resolve, 50));
});
afterAll(async () => {
  await server.kill();
  telegram.process.kill();
});

async function create(path: string, body: object): Promise<string> {
  const { id } = (await (await server.fetch("POST", path, body)).json()) as { id: string };
  return id;
}

const person = async (id: number) => (await (await fetch(`${telegram.url}/people/${id}`)).json()) as Person;
const say = (id: number, text: string, times = 1) =>
  fetch(`${telegram.url}/people/${id}`, { method: "POST", body: JSON.stringify({ text, times }) });

/** Resolves once a person has been sent so many messages. */
const got = (id: number, count: number) =>
  vi.waitFor(
    async () => {
      const { sent } = await person(id);
      expect(sent.length).toBeGreaterThanOrEqual(count);
      return sent.map(({ text }) => text);
    },
    { timeout: 30_000, interval: 50 },
  );

const isTyping = (id: number) =>
  vi.waitFor(async () => expect((await person(id)).typing).toBeGreaterThan(0), { timeout: 20_000, interval: 20 });

async function threadOf(id: number): Promise<string> {
  const { data } = (await (await server.fetch("GET", `/threads?chat_id=${chatId}`)).json()) as {
    data: { id: string }[];
  };
  for (const thread of data) {
    const detail = (await (await server.fetch("GET", `/threads/${thread.id}`)).json()) as {
      person: { external_id: string };
    };
    if (detail.person.external_id === String(id)) return thread.id;
  }
  throw new Error("no thread");
}

const messagesOf = async (id: number) =>
  (await (await server.fetch("GET", `/chats/${chatId}/threads/${await threadOf(id)}/messages`)).json()) as {
    role: string;
    content: string;
    delivery?: { status: string };
  }[];

const settled = async (id: number) =>
  vi.waitFor(
    async () => {
      const answers = (await messagesOf(id)).filter(({ role }) => role === "assistant");
      expect(answers.map(({ delivery }) => delivery?.status)).not.toContain("waiting");
      return answers;
    },
    { timeout: 30_000, interval: 100 },
  );

it("answers a question once, however often Telegram delivers it", async () => {
  await say(1, "What is your return policy?", 4);
  const [answer] = await got(1, 1);
  expect(answer).toContain("30 days");
  await say(1, "How long does delivery take?");
  expect(await got(1, 2)).toHaveLength(2);
  expect((await messagesOf(1)).map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"]);
});

it("has every answer arrive once after it was killed while writing one, and was away when the next question came", async () => {
  await say(2, "What is your return policy?");
  await isTyping(2);
  await server.kill();
  await say(2, "How long does delivery take?");
  await say(3, "What are your opening hours?");
  await server.start(environment());
  const [first, second] = await got(2, 2);
  expect(first).toContain("30 days");
  expect(second).toContain("two to four days");
  expect((await got(3, 1))[0]).toContain("9 in the morning");
  await Promise.all([settled(2), settled(3)]);
  expect([(await person(2)).sent.length, (await person(3)).sent.length]).toEqual([2, 1]);
});

it("waits out a rate limit, also across a kill, and keeps the order", async () => {
  await say(4, "What is your return policy?");
  await isTyping(4);
  await fetch(`${telegram.url}/limit/4000`);
  await say(4, "How long does delivery take?");
  await vi.waitFor(async () => expect((await person(4)).limitedCalls).toBeGreaterThan(0), 20_000);
  await server.kill();
  await server.start(environment());
  const [first, second] = await got(4, 2);
  expect([first!.includes("30 days"), second!.includes("two to four days")]).toEqual([true, true]);
  const { sent, limitedUntil } = await person(4);
  expect(sent).toHaveLength(2);
  expect(sent[0]!.at).toBeGreaterThanOrEqual(limitedUntil);
});

it("sends what was planned to the second, by an operator and by the bot, although it was killed meanwhile", async () => {
  await Promise.all([say(6, "What is your return policy?"), say(7, "What is your return policy?")]);
  await Promise.all([got(6, 1), got(7, 1)]);
  const [sixth, seventh] = [await threadOf(6), await threadOf(7)];
  await server.fetch("POST", `/chats/${chatId}/threads/${sixth}/mode`, { mode: "manual" });
  const due = Math.ceil(Date.now() / 1000) * 1000 + 8000;
  const scheduledAt = new Date(due).toISOString();
  await create(`/threads/${sixth}/schedules`, { text: "Did that help?", scheduledAt });
  await create(`/threads/${seventh}/schedules`, { task: "Ask about your opening hours.", scheduledAt });
  await server.kill();
  await server.start(environment());
  const back = Math.max(due, Date.now());
  expect((await got(6, 2))[1]).toBe("Did that help?");
  await got(7, 2);
  for (const { sent } of [await person(6), await person(7)]) {
    expect(sent).toHaveLength(2);
    expect(sent[1]!.at).toBeGreaterThanOrEqual(due);
    expect(sent[1]!.at - back).toBeLessThan(2000);
  }
});

it("sends no bot's word after a takeover was acknowledged, and what the operator writes", async () => {
  await say(5, "What is your return policy?");
  await isTyping(5);
  const thread = await threadOf(5);
  await server.fetch("POST", `/chats/${chatId}/threads/${thread}/mode`, { mode: "manual" });
  const before = (await person(5)).sent.length;
  await server.fetch("POST", `/threads/${thread}/send`, { text: "I am a human" });
  await say(5, "Are you there?");
  await vi.waitFor(async () => expect((await person(5)).undelivered).toBe(0), 10_000);
  expect((await got(5, before + 1)).slice(before)).toEqual(["I am a human"]);
});
