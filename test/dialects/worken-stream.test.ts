import { describe, expect, it } from "vitest";
import { newChat, readAnswer, type Thread } from "../helpers/project.ts";
import { FakeModel, says } from "../helpers/upstream.ts";

const user = (content: unknown) => ({ messages: [{ role: "user", content }] });
const post = (thread: Thread, body: unknown, query = "") =>
  thread.chat.project.fetch("POST", `${thread.path}/stream${query}`, body);

async function newThread() {
  const model = new FakeModel(says("Hello."));
  return { model, thread: (await newChat(model)).thread() };
}

describe("the body of a message", () => {
  it.each<[field: string, body: unknown]>([
    ["messages", {}],
    ["messages", { messages: [] }],
    ["messages", { messages: "hi" }],
    ["messages.0.role", { messages: [{ role: "assistant", content: "hi" }] }],
    ["messages.0.role", { messages: [{ role: "system", content: "hi" }] }],
    ["messages.1.role", { messages: [...user("hi").messages, { role: "tool", content: "hi" }] }],
    ["messages.0.role", { messages: [{ content: "hi" }] }],
    ["messages.0.content", user("")],
    ["messages.0.content", user("  \n")],
    ["messages.0.content", user(5)],
    ["messages.0.content", user(null)],
    ["messages.0.content", { messages: [{ role: "user" }] }],
    ["scheduledAt", { ...user("hi"), scheduledAt: "tomorrow" }],
    ["scheduledAt", { ...user("hi"), scheduledAt: "2026-13-40T00:00:00Z" }],
    ["scheduledAt", { ...user("hi"), scheduledAt: 5 }],
    ["person.external_id", { ...user("hi"), person: { name: "Ann" } }],
    ["person.avatar_url", { ...user("hi"), person: { external_id: "1", avatar_url: "ann.png" } }],
  ])("is refused where %s is wrong, and the answer names it: %j", async (field, body) => {
    const { model, thread } = await newThread();
    const { status, json } = await thread.chat.project.post(`${thread.path}/stream`, body);
    expect([status, json.issues[0].path]).toEqual([422, field]);
    expect(json.message).toContain(field);
    expect((await thread.get()).status).toBe(404);
    expect(model.requests).toHaveLength(0);
  });

  it("may hold a hundred messages and no more", async () => {
    const { thread } = await newThread();
    const messages = Array.from({ length: 101 }, (_, index) => ({ role: "user", content: `${index}` }));
    const refused = await thread.chat.project.post(`${thread.path}/stream`, { messages });
    expect([refused.status, refused.json.issues[0].path]).toEqual([422, "messages"]);
    await readAnswer(await post(thread, { messages: messages.slice(1) }));
    expect(await thread.messages()).toHaveLength(101);
  });

  it("may hold several messages, which are stored each and answered together", async () => {
    const { model, thread } = await newThread();
    const messages = ["one", "two"].map((content) => ({ role: "user", content }));
    expect((await readAnswer(await post(thread, { messages }))).text).toBe("Hello.");
    expect((await thread.messages()).map(({ content }) => content)).toEqual(["one", "two", "Hello."]);
    expect(model.requests).toHaveLength(1);
  });

  it.each([
    "a\0b",
    "half \ud800 of a pair",
    "🙂".repeat(1000),
    "\u202e\u0007",
    "<script>alert(1)</script>",
    "__proto__",
  ])("may say %j", async (text) => {
    const { thread } = await newThread();
    expect((await readAnswer(await post(thread, user(text)))).text).toBe("Hello.");
    expect((await thread.messages())[0]!.content.toWellFormed()).toBe(text.toWellFormed());
  });

  it("is answered with the ids of the thread and of the message in the headers", async () => {
    const { thread } = await newThread();
    const response = await post(thread, user("hi"));
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": expect.stringContaining("no-cache"),
      "x-accel-buffering": "no",
      "x-thread-id": thread.id,
    });
    await response.text();
    expect(response.headers.get("x-message-id")).toBe((await thread.messages())[1]!.id);
  });

  it("is answered with the bare text when the caller asks for that", async () => {
    const { thread } = await newThread();
    const response = await post(thread, user("hi"), "?protocol=text");
    expect(response.headers.get("content-type")).toContain("text/plain");
    expect(await response.text()).toBe("Hello.\n");
    expect((await post(thread, user("hi"), "?protocol=morse")).status).toBe(422);
  });
});

describe("scheduledAt", () => {
  it.each(["2020-01-01T00:00:00Z", "2020-01-01T03:00:00+03:00", "2020-01-01T00:00:00.000Z"])(
    "in the past, %s, means now",
    async (scheduledAt) => {
      const { thread } = await newThread();
      expect((await readAnswer(await post(thread, { ...user("hi"), scheduledAt }))).text).toBe("Hello.");
      await thread.setMode("manual");
      const { status } = await thread.chat.project.post(`/threads/${thread.id}/send`, { text: "Ann.", scheduledAt });
      expect(status).toBe(200);
      expect(await thread.messages()).toHaveLength(3);
    },
  );

  it("more than a year ahead is refused, and nothing is stored", async () => {
    const { model, thread } = await newThread();
    const scheduledAt = new Date(Date.now() + 367 * 86_400_000).toISOString();
    const refused = await thread.chat.project.post(`${thread.path}/stream`, { ...user("hi"), scheduledAt });
    expect([refused.status, refused.json.issues[0].path]).toEqual([422, "scheduledAt"]);
    expect((await thread.get()).status).toBe(404);
    expect(model.requests).toHaveLength(0);
    await thread.ask("hi");
    await thread.setMode("manual");
    const sending = await thread.chat.project.post(`/threads/${thread.id}/send`, { text: "Ann.", scheduledAt });
    expect([sending.status, sending.json.issues[0].path]).toEqual([422, "scheduledAt"]);
    expect(await thread.messages()).toHaveLength(2);
  });
});
