import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { newChat, type Chat } from "../helpers/project.ts";
import { deliver, Receiver, register } from "../helpers/receiver.ts";
import { FakeModel, says } from "../helpers/upstream.ts";

const found = async (chat: Chat, word: string) =>
  ((await chat.project.get(`/threads?search=${word}`)).json.data as { id: string }[]).map(({ id }) => id);

afterEach(() => vi.restoreAllMocks());

it("tells everything of a long outage of the database once it is over, however much that is", async () => {
  const chat = await newChat();
  const thread = chat.thread();
  await thread.ask("first");
  await thread.setMode("manual");
  const receiver = new Receiver();
  const endpoint = await register(chat.project, receiver);
  const outage = vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1 is away"));
  // More than a row of D1 may hold.
  const words = Array.from({ length: 4 }, (_, post) =>
    Array.from({ length: 10 }, (__, place) => `Word${post}x${place}`),
  );
  for (const post of words) {
    const messages = post.map((word) => ({ role: "user", content: `${word} ${"x".repeat(95_000)}` }));
    expect((await chat.project.fetch("POST", `${thread.path}/stream`, { messages })).status).toBe(200);
  }
  outage.mockRestore();
  await runDurableObjectAlarm(env.THREADS.getByName(`${chat.project.id}/${thread.id}`));
  await eventually(async () => {
    for (const word of words.flat()) expect(await found(chat, word)).toEqual([thread.id]);
  });
  expect((await chat.project.get(`/chats/${chat.id}`)).json).toMatchObject({ events_24h: 42 });
  await deliver(chat.project, endpoint);
  expect(receiver.types.filter((type) => type === "thread.message.created")).toHaveLength(40);
});

it.each(['"', "\\", "\n", "\u0001"])("lets others know of messages as long as can be, of %j", async (character) => {
  const chat = await newChat();
  const thread = chat.thread();
  await thread.ask("first");
  await thread.setMode("manual");
  const receiver = new Receiver();
  const endpoint = await register(chat.project, receiver);
  const most = Math.min(99_000, Math.floor(99_000 / (JSON.stringify(character).length - 2)));
  const messages = Array.from({ length: 10 }, () => ({
    role: "user",
    content: `Unmistakable ${character.repeat(most)}.`,
  }));
  expect((await chat.project.fetch("POST", `${thread.path}/stream`, { messages })).status).toBe(200);
  await eventually(async () => expect(await found(chat, "Unmistakable")).toEqual([thread.id]));
  await deliver(chat.project, endpoint);
  expect(receiver.types.filter((type) => type === "thread.message.created")).toHaveLength(10);
});

it("ends an answer to which the model finds no end, and keeps what was said", async () => {
  const endless = Array.from({ length: 40 }, () => "Endless ".repeat(12_500));
  const chat = await newChat(new FakeModel(says(...endless), says("Short.")));
  const thread = chat.thread();
  const { events } = await thread.ask("go on");
  expect(events.at(-1)).toEqual({ type: "error", error: "the answer is longer than 250000 characters" });
  const [, answer] = await thread.messages();
  expect(answer).toMatchObject({ status: "interrupted", content: endless.slice(0, 3).join("") });
  expect((await thread.ask("and now?")).text).toBe("Short.");
  await eventually(async () => expect(await found(chat, "Endless")).toEqual([thread.id]));
});

it("catches up with lists and search by itself, when the database was away for a moment and nobody comes by", async () => {
  const chat = await newChat(new FakeModel(says("Well."), says("Unforeseen.")));
  const thread = chat.thread();
  await thread.ask("first");
  const outage = vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1 is away"));
  await thread.ask("Anything?");
  outage.mockRestore();
  await eventually(async () => expect(await found(chat, "Unforeseen")).toHaveLength(1));
});
