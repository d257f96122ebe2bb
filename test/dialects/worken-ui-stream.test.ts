import { expect, it } from "vitest";
import { newChat, type Thread } from "../helpers/project.ts";
import { FakeModel, says } from "../helpers/upstream.ts";

type Chunk = { type: string; [key: string]: unknown };

/** Asks as the AI SDK's chat transport does. */
async function ask(thread: Thread, trigger: "submit-message" | "regenerate-message" = "submit-message") {
  const messages = [{ id: "u1", role: "user", parts: [{ type: "text", text: "hi" }] }];
  const body = { id: thread.id, trigger, messages };
  const response = await thread.chat.project.fetch("POST", `/chats/${thread.chat.id}/threads`, body);
  const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: {"));
  return { status: response.status, chunks: lines.map((line) => JSON.parse(line.slice(6)) as Chunk) };
}

const contents = async (thread: Thread) => (await thread.messages()).map(({ content }) => content);

it("gives an answer anew, in place of the last one", async () => {
  const thread = (await newChat(new FakeModel(says("First."), says("Second.")))).thread();
  await ask(thread);
  expect((await ask(thread, "regenerate-message")).status).toBe(200);
  expect(await contents(thread)).toEqual(["hi", "Second."]);
});

it("never takes back what an operator said", async () => {
  const thread = (await newChat(new FakeModel(says("First."), says("Second.")))).thread();
  await ask(thread);
  await thread.setMode("manual");
  await thread.send("This is a human.");
  await thread.setMode("auto");
  expect((await ask(thread, "regenerate-message")).status).toBe(409);
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
