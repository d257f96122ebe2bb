import { expect, it } from "vitest";
import { newChat, type Thread } from "../helpers/project.ts";
import { FakeModel, says } from "../helpers/upstream.ts";

type Chunk = { type: string; [key: string]: unknown };

type Body = { trigger?: "submit-message" | "regenerate-message"; messageId?: string; text?: string; userId?: string };

/** Asks as the AI SDK's chat transport does. */
async function ask(thread: Thread, { text = "hi", userId = "u1", ...body }: Body = {}) {
  const messages = [{ id: userId, role: "user", parts: [{ type: "text", text }] }];
  const path = `/chats/${thread.chat.id}/threads`;
  const response = await thread.chat.project.fetch("POST", path, { id: thread.id, messages, ...body });
  const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: {"));
  return { status: response.status, chunks: lines.map((line) => JSON.parse(line.slice(6)) as Chunk) };
}

const contents = async (thread: Thread) => (await thread.messages()).map(({ content }) => content);

it("gives an answer anew, in place of the last one", async () => {
  const thread = (await newChat(new FakeModel(says("First."), says("Second.")))).thread();
  await ask(thread);
  expect((await ask(thread, { trigger: "regenerate-message" })).status).toBe(200);
  expect(await contents(thread)).toEqual(["hi", "Second."]);
});

/** A thread in which two questions are answered. */
async function twoAnswers(...more: ReturnType<typeof says>[]) {
  const model = new FakeModel(says("First."), says("Second."), ...more);
  const thread = (await newChat(model)).thread();
  await ask(thread, { text: "one" });
  await ask(thread, { text: "two", userId: "u2" });
  const [, answer] = await thread.messages();
  return { model, thread, first: answer!.id };
}

it("gives an earlier answer anew, and takes back what came after it", async () => {
  const { model, thread, first } = await twoAnswers(says("Better."));
  await ask(thread, { text: "one", trigger: "regenerate-message", messageId: first });
  expect(await contents(thread)).toEqual(["one", "Better."]);
  expect(model.requests[2]!.messages.map(({ content }) => content)).toEqual(["one"]);
  expect((await thread.get()).json).toMatchObject({
    pending_count: 0,
    stats: { messages_total: 2, user_messages: 1, bot_messages: 1 },
  });
});

it("answers what a person has said otherwise, once, and takes back what came after it", async () => {
  const { model, thread } = await twoAnswers(says("Other."));
  const changed = { text: "one, but", messageId: "u1" };
  expect((await ask(thread, changed)).chunks).toContainEqual(expect.objectContaining({ delta: "Other." }));
  expect((await ask(thread, changed)).chunks).toContainEqual(expect.objectContaining({ delta: "Other." }));
  expect(await contents(thread)).toEqual(["one, but", "Other."]);
  expect(model.requests.map(({ messages }) => messages.at(-1)!.content)).toEqual(["one", "two", "one, but"]);
  expect((await thread.get()).json.stats).toEqual({ messages_total: 2, user_messages: 1, bot_messages: 1 });
  const { json } = await thread.chat.project.get("/threads?search=but");
  expect(json.data).toMatchObject([{ id: thread.id }]);
});

it("takes nothing back while an operator answers, nor what an operator said", async () => {
  const { thread, first } = await twoAnswers(says("Never."));
  const before = await contents(thread);
  const changed = { text: "one, but", messageId: "u1" };
  await thread.setMode("manual");
  expect((await ask(thread, changed)).status).toBe(409);
  await thread.send("This is a human.");
  await thread.setMode("auto");
  expect((await ask(thread, changed)).status).toBe(409);
  expect((await ask(thread, { trigger: "regenerate-message", messageId: first })).status).toBe(409);
  expect(await contents(thread)).toEqual([...before, "This is a human."]);
});

it("never takes back what an operator said", async () => {
  const thread = (await newChat(new FakeModel(says("First."), says("Second.")))).thread();
  await ask(thread);
  await thread.setMode("manual");
  await thread.send("This is a human.");
  await thread.setMode("auto");
  expect((await ask(thread, { trigger: "regenerate-message" })).status).toBe(409);
  expect(await contents(thread)).toEqual(["hi", "First.", "This is a human."]);
});

it("begins no message where a silent bot gives no answer", async () => {
  const thread = (await newChat(new FakeModel(says("First.")))).thread();
  await thread.ask("hello");
  await thread.setMode("manual");
  expect((await ask(thread)).chunks).toEqual([{ type: "start" }, { type: "finish" }]);
});

it("refuses a file, for no bot would see it", async () => {
  const thread = (await newChat(new FakeModel(says("Nice.")))).thread();
  const file = { type: "file", mediaType: "image/png", url: "data:image/png;base64,iVBORw0KGgo=" };
  const message = { id: "u1", role: "user", parts: [file, { type: "text", text: "Look." }] };
  const body = { id: thread.id, messages: [message] };
  const response = await thread.chat.project.fetch("POST", `/chats/${thread.chat.id}/threads`, body);
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({ issues: [{ path: "messages.0.parts.0" }] });
});
