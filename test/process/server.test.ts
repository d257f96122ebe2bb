import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DefaultChatTransport, readUIMessageStream, type UIMessage, type UIMessageChunk } from "ai";
import { EventSource } from "eventsource";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ServerApi } from "../../scripts/api.ts";
import { seedDemo } from "../../scripts/seed.ts";
import { startLosingProxy } from "./losing-proxy.ts";
import { KEYS, Server } from "./server.ts";

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server.kill());

type Message = { role: string; content: string; status: string; created_at: string };
const pathOf = (thread: string) => `/chats/${server.demo.chatId}/threads/${thread}`;
const messagesOf = async (thread: string) =>
  (await (await server.fetch("GET", `${pathOf(thread)}/messages`)).json()) as Message[];
const ask = (thread: string, content: string) =>
  server.fetch("POST", `${pathOf(thread)}/stream`, { messages: [{ role: "user", content }] });

it("answers the curl that it prints, without network and without a stack trace", async () => {
  expect(server.output).toContain(`curl -N "${server.url}${pathOf("first")}/stream"`);
  expect(server.output).not.toMatch(/^\s+at /m);
  const text = await (await ask("first", "What is your return policy?")).text();
  expect(text).toContain('"type":"text-delta"');
  expect((await messagesOf("first"))[1]!.content).toContain("30 days");
});

type StoredFile = { id: string; filename: string; status: string };
const documents = async () => {
  const listed = await server.fetch("GET", `/vector_stores/${server.demo.storeId}/files?limit=100&order=asc`);
  return ((await listed.json()) as { data: StoredFile[] }).data;
};
let read: StoredFile[];

it("answers from its own documentation, and cites it", async () => {
  read = await documents();
  expect(new Set(read.map(({ status }) => status))).toEqual(new Set(["processed"]));
  const text = await (await ask("documented", "How do I take over a conversation?")).text();
  const finish = JSON.parse(/data: (.*"finish".*)/.exec(text)![1]!) as {
    citations: { filename: string; text: string }[];
  };
  const cited = finish.citations.find(({ filename }) => filename === "docs/operators.md");
  expect(cited?.text).toContain("To take over a conversation, set its mode to `manual`:");
  // What it was before a change, as the next start finds it.
  const stale = { filename: "README.md", content: "It was another.", attributes: { content_hash: "another" } };
  expect((await server.fetch("POST", `/vector_stores/${server.demo.storeId}/files`, stale)).status).toBe(200);
});

it("has the conversation whole after it was killed in the middle of an answer", async () => {
  const response = await ask("killed", "How long does delivery take?");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  while ((seen.match(/text-delta/g) ?? []).length < 8) seen += (await reader.read()).value;
  await server.kill();
  await reader.cancel().catch(() => undefined);
  await server.start();
  const [question, answer] = await messagesOf("killed");
  expect(question).toMatchObject({ role: "user", content: "How long does delivery take?", status: "complete" });
  expect(answer).toMatchObject({ role: "assistant", status: "interrupted" });
  expect(answer!.content).not.toBe("");
  await (await ask("killed", "What is your return policy?")).text();
  expect((await messagesOf("killed")).map(({ status }) => status)).toEqual([
    "complete",
    "interrupted",
    "complete",
    "complete",
  ]);
});

it("has read its documents once, and forgotten what they replace, after it was started again", async () => {
  expect(await documents()).toEqual(read);
});

it("answers to the second at the time that was asked for, although it was killed before", async () => {
  const askAt = (thread: string, inMs: number) =>
    server.fetch("POST", `${pathOf(thread)}/stream`, {
      messages: [{ role: "user", content: "What is your return policy?" }],
      scheduledAt: new Date(Date.now() + inMs).toISOString(),
    });
  const answersTo = async (thread: string) => (await messagesOf(thread)).filter(({ role }) => role === "assistant");
  // The one falls due while the server is down, the other when it has long been up again.
  for (const [thread, inMs] of [
    ["missed", 1500],
    ["kept", 15_000],
  ] as const)
    await askAt(thread, inMs);
  const due = Date.now() + 15_000;
  await server.kill();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await server.start();
  const up = Date.now();
  const answeredAt = (thread: string) =>
    vi.waitFor(async () => {
      const answers = await answersTo(thread);
      expect(answers).toMatchObject([{ status: "complete" }]);
      return Date.parse(answers[0]!.created_at);
    }, 25_000);
  expect((await answeredAt("missed")) - up).toBeLessThan(5000);
  const late = (await answeredAt("kept")) - due;
  expect(late).toBeGreaterThan(-500);
  expect(late).toBeLessThan(2000);
  expect(await answersTo("missed")).toHaveLength(1);
});

describe("the AI SDK's chat transport", () => {
  const transport = () =>
    new DefaultChatTransport({
      api: `${server.url}/chats/${server.demo.chatId}/threads`,
      headers: { authorization: `Bearer ${server.demo.key}` },
    });
  const question: UIMessage = {
    id: "q1",
    role: "user",
    parts: [{ type: "text", text: "What is your return policy?" }],
  };

  async function lastMessage(stream: ReadableStream<UIMessageChunk>): Promise<UIMessage> {
    let last: UIMessage | undefined;
    for await (const message of readUIMessageStream({ stream })) last = message;
    return last!;
  }
  const textOf = (message: UIMessage) => message.parts.map((part) => (part.type === "text" ? part.text : "")).join("");

  it("sends, and gets the answer that is stored", async () => {
    const stream = await transport().sendMessages({
      chatId: "ui-1",
      trigger: "submit-message",
      messageId: undefined,
      messages: [question],
      abortSignal: undefined,
    });
    const message = await lastMessage(stream);
    const stored = (await messagesOf("ui-1"))[1]!;
    expect(textOf(message)).toBe(stored.content);
    expect(message.metadata).toEqual({ finishReason: "stop" });
  });

  it("reconnects to the running answer, and finds nothing to resume afterwards", async () => {
    const leaving = new AbortController();
    const first = await transport().sendMessages({
      chatId: "ui-2",
      trigger: "submit-message",
      messageId: undefined,
      messages: [question],
      abortSignal: leaving.signal,
    });
    await first.getReader().read();
    leaving.abort();
    const resumed = await transport().reconnectToStream({ chatId: "ui-2" });
    const message = await lastMessage(resumed!);
    expect(textOf(message)).toBe((await messagesOf("ui-2"))[1]!.content);
    expect(await transport().reconnectToStream({ chatId: "ui-2" })).toBeNull();
  });
});

it("keeps a plain EventSource with a ticket informed, across a restart", async () => {
  const { ticket } = (await (await server.fetch("POST", "/threads/events/tickets", {})).json()) as { ticket: string };
  const source = new EventSource(`${server.url}/threads/events?ticket=${ticket}`);
  const events: { thread_id: string; type: string }[] = [];
  source.addEventListener("message", ({ data }) => void events.push(JSON.parse(String(data))));
  await vi.waitFor(() => expect(source.readyState).toBe(source.OPEN), 5000);
  await (await ask("watched", "hi")).text();
  await vi.waitFor(() => expect(events.map(({ type }) => type)).toContain("message_created"), 5000);
  await server.kill();
  await server.start();
  await vi.waitFor(() => expect(source.readyState).toBe(source.OPEN), 15_000);
  await server.fetch("POST", `${pathOf("watched")}/mode`, { mode: "manual" });
  await vi.waitFor(() => expect(events.at(-1)).toMatchObject({ thread_id: "watched", type: "mode_changed" }), 5000);
  source.close();
});

it("comes back by itself when what it runs on crashes", async () => {
  await (await ask("crashed", "hi")).text();
  server.crash();
  await vi.waitFor(() => expect(server.output).toContain("started again"), 15_000);
  await vi.waitFor(async () => expect(await messagesOf("crashed")).toHaveLength(2), { timeout: 30_000, interval: 200 });
});

it("makes one demo where answers are lost, as on a machine that is busy", async () => {
  const root = new ServerApi(server.url, KEYS.ROOT_KEY);
  const before = (await root.get<object[]>("/projects")).length;
  const proxy = await startLosingProxy(server.url);
  const folder = mkdtempSync(join(tmpdir(), "parley-demo-"));
  const made = await seedDemo(proxy.url, KEYS.ROOT_KEY, folder);
  expect(await seedDemo(proxy.url, KEYS.ROOT_KEY, folder)).toEqual(made);
  proxy.close();
  expect(await root.get<object[]>("/projects")).toHaveLength(before + 1);
  expect(await new ServerApi(server.url, made.key).get<object[]>("/bots")).toHaveLength(1);
});

it("plays the demo to its end", async () => {
  const demo = spawn(process.execPath, ["scripts/demo.ts"], { env: { ...process.env, ...server.env } });
  let output = "";
  for (const stream of [demo.stdout, demo.stderr]) stream.on("data", (chunk: Buffer) => (output += String(chunk)));
  const [code] = (await once(demo, "exit")) as [number];
  expect(output).toContain("mode_changed");
  expect(code, output).toBe(0);
});

it("takes all it has started with it when it is asked to stop", async () => {
  await server.stop();
  await vi.waitFor(() => expect(server.isGone).toBe(true), 5000);
});
