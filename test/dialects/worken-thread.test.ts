import { describe, expect, it, vi } from "vitest";
import { Chat, newChat, newProject } from "../helpers/project.ts";
import { FakeModel, says } from "../helpers/upstream.ts";

const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
const hello = () => new FakeModel(says("Hello."));
const user = (content: unknown) => ({ messages: [{ role: "user", content }] });
const contentsOf = (messages: { content: string }[]) => messages.map(({ content }) => content);
const listed = async ({ project }: Chat, query = ""): Promise<string[]> =>
  (await project.get(`/threads${query}`)).json.data.map(({ id }: { id: string }) => id);

async function secondChat({ project, botId, integrationId }: Chat) {
  const { json } = await project.post(`/integrations/${integrationId}/chats`, { bot_id: botId, name: "Second" });
  return new Chat(project, json, botId);
}

describe("a thread", () => {
  it("is shown with its person and with how much was said", async () => {
    const chat = await newChat(hello());
    const thread = chat.thread();
    const ann = { external_id: "tg-1", name: "Ann", avatar_url: "https://example.com/ann.png" };
    const response = await chat.project.fetch("POST", `${thread.path}/stream`, { ...user("hi"), person: ann });
    await response.text();
    const { status, json } = await thread.get();
    expect(status).toBe(200);
    expect(json).toEqual({
      id: thread.id,
      chat_id: chat.id,
      bot_id: chat.botId,
      mode: "auto",
      title: null,
      last_message_at: expect.stringMatching(TIME),
      pending_count: 0,
      created_at: expect.stringMatching(TIME),
      person: { id: expect.any(String), ...ann },
      stats: { messages_total: 2, user_messages: 1, bot_messages: 1 },
    });
    expect(json.last_message_at >= (await thread.messages())[1]!.created_at).toBe(true);
  });

  it("knows a person again, in another thread of the same integration, by a new name too", async () => {
    const chat = await newChat(hello());
    const as = async (thread: ReturnType<Chat["thread"]>, person?: object) => {
      await (await chat.project.fetch("POST", `${thread.path}/stream`, { ...user("hi"), person })).text();
      return (await thread.get()).json.person;
    };
    const first = chat.thread();
    expect(await as(first)).toBeNull();
    const ann = await as(first, { external_id: "1", name: "Ann" });
    expect(await as(chat.thread(), { external_id: "1", name: "Anna" })).toEqual({ ...ann, name: "Anna" });
    expect((await first.get()).json.person.name).toBe("Anna");
    expect((await as(chat.thread(), { external_id: "2" })).id).not.toBe(ann.id);
    expect((await as(first)).id).toBe(ann.id);
  });

  it.each([
    ["oldest", "", ["Q1", "A1", "Q2", "A2"], ["Q3", "A3"]],
    ["newest", "&order=desc", ["A3", "Q3", "A2", "Q2"], ["A1", "Q1"]],
  ])("gives its messages %s first, page by page", async (_, order, ...expected) => {
    const chat = await newChat(new FakeModel(says("A1"), says("A2"), says("A3")));
    const thread = chat.thread();
    for (const text of ["Q1", "Q2", "Q3"]) await thread.ask(text);
    const pages: string[][] = [];
    for (let next: string | undefined = `${thread.path}/messages?limit=4${order}`; next && pages.length < 5;) {
      const { json, headers } = await chat.project.get(next);
      pages.push(contentsOf(json));
      next = /^<(.*)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
    }
    expect(pages).toEqual(expected);
    const times = (await thread.messages()).map(({ created_at }) => created_at);
    expect(times).toEqual([...new Set(times)].toSorted());
    expect((await chat.project.get(`${thread.path}/messages?cursor=nonsense`)).status).toBe(422);
  });

  it("belongs to its chat: under another one it does not exist", async () => {
    const model = hello();
    const chat = await newChat(model);
    const thread = chat.thread();
    await thread.ask("hi");
    const stranger = (await secondChat(chat)).thread(thread.id);
    expect((await chat.project.get(`${stranger.path}/messages`)).status).toBe(404);
    expect((await chat.project.get(`${stranger.path}/stream`)).status).toBe(404);
    expect((await stranger.setMode("manual")).status).toBe(404);
    expect((await chat.project.post(`${stranger.path}/stop`)).status).toBe(404);
    expect((await chat.project.post(`${stranger.path}/delete`)).status).toBe(404);
    expect((await stranger.stream("hi")).status).toBe(404);
    expect(await thread.messages()).toHaveLength(2);
    expect(model.requests).toHaveLength(1);
  });

  it("does not exist before its first message, nor for another project", async () => {
    const [mine, theirs] = [await newChat(hello()), await newProject()];
    expect((await mine.thread("t1").get()).status).toBe(404);
    await mine.thread("t1").ask("hi");
    for (const path of ["/threads/t1", "/threads/t1/memory", "/threads/t1/approvals", "/threads/events/t1"]) {
      expect((await theirs.get(path)).status).toBe(404);
    }
    expect((await theirs.post("/threads/t1/send", { text: "hi" })).status).toBe(404);
    expect((await theirs.post(`${mine.thread("t1").path}/mode`, { mode: "manual" })).status).toBe(404);
    expect((await mine.thread("t1").get()).json.mode).toBe("auto");
  });
});

describe("an operator", () => {
  it.each(["auto", "operator", "blocked"])("cannot send in %s mode", async (mode) => {
    const thread = (await newChat(hello())).thread();
    await thread.ask("hi");
    await thread.setMode(mode);
    expect((await thread.send("This is Ann.")).status).toBe(409);
    expect(await thread.messages()).toHaveLength(2);
  });

  it("sends in manual mode, which answers everything that waited", async () => {
    const model = hello();
    const thread = (await newChat(model)).thread();
    await thread.ask("hi");
    expect(await thread.setMode("manual")).toMatchObject({ status: 200, json: { mode: "manual" } });
    const { events } = await thread.ask("a human, please");
    expect(events).toEqual([{ type: "finish", finishReason: "stop" }]);
    await thread.ask("hello?");
    expect((await thread.get()).json.pending_count).toBe(2);
    const { status, json } = await thread.send("This is Ann.");
    expect(status).toBe(200);
    expect(json).toEqual({
      id: expect.any(String),
      role: "assistant",
      content: "This is Ann.",
      created_at: expect.any(String),
      status: "complete",
      metadata: { author: "operator" },
    });
    expect((await thread.get()).json).toMatchObject({
      pending_count: 0,
      stats: { messages_total: 5, bot_messages: 2 },
    });
    expect((await thread.messages()).at(-1)).toEqual(json);
    expect(model.requests).toHaveLength(1);
  });

  it("hands back to the bot, which answers what comes next and not what came before", async () => {
    const model = hello();
    const thread = (await newChat(model)).thread();
    await thread.ask("hi");
    await thread.setMode("manual");
    await thread.ask("anyone?");
    await thread.setMode("auto");
    expect(model.requests).toHaveLength(1);
    expect((await thread.get()).json).toMatchObject({ mode: "auto", pending_count: 1 });
    await thread.ask("so?");
    expect(model.requests[1]!.messages.map(({ content }) => content)).toEqual(["hi", "Hello.", "anyone?", "so?"]);
    expect((await thread.get()).json.pending_count).toBe(0);
  });

  it.each([
    { field: "text", body: {} },
    { field: "text", body: { text: "" } },
    { field: "text", body: { text: "  " } },
    { field: "text", body: { text: 5 } },
    { field: "scheduledAt", body: { text: "hi", scheduledAt: "tomorrow" } },
    { field: "scheduledAt", body: { text: "hi", scheduledAt: "2026-13-40T00:00:00Z" } },
  ])("is told that $field is wrong in $body", async ({ field, body }) => {
    const thread = (await newChat(hello())).thread();
    await thread.ask("hi");
    await thread.setMode("manual");
    const { status, json } = await thread.chat.project.post(`/threads/${thread.id}/send`, body);
    expect([status, json.issues[0].path]).toEqual([422, field]);
  });

  it.each([{}, { mode: "off" }, { mode: null }])("cannot set %j", async (body) => {
    const thread = (await newChat(hello())).thread();
    await thread.ask("hi");
    const { status, json } = await thread.chat.project.post(`${thread.path}/mode`, body);
    expect([status, json.issues[0].path]).toEqual([422, "mode"]);
  });
});

describe("a deleted thread", () => {
  it("is gone everywhere", async () => {
    const chat = await newChat(new FakeModel(says("Pelican.")));
    const thread = chat.thread();
    await thread.ask("flamingo");
    await vi.waitFor(async () => expect(await listed(chat, "?search=pelican")).toEqual([thread.id]));
    const deletion = await chat.project.post(`${thread.path}/delete`);
    expect(deletion).toMatchObject({ status: 200, json: { id: thread.id, deleted: true } });
    expect((await thread.get()).status).toBe(404);
    expect((await chat.project.get(`${thread.path}/messages`)).status).toBe(404);
    expect(await listed(chat)).toEqual([]);
    expect(await listed(chat, "?search=flamingo")).toEqual([]);
    expect((await chat.project.post(`${thread.path}/delete`)).status).toBe(404);
  });

  it("leaves its id to a new thread, of another chat too, that knows nothing of the old one", async () => {
    const model = hello();
    const chat = await newChat(model, { memory: { workingMemory: { enabled: true } } });
    const other = await secondChat(chat);
    for (const [index, thread] of [chat.thread("id"), chat.thread("id"), other.thread("id")].entries()) {
      await thread.ask(`hi ${index}`);
      expect(contentsOf(await thread.messages())).toEqual([`hi ${index}`, "Hello."]);
      expect((await thread.get()).json).toMatchObject({ chat_id: thread.chat.id, stats: { messages_total: 2 } });
      expect(model.requests[index]!.messages.filter(({ role }) => role === "user")).toHaveLength(1);
      await chat.project.post(`${thread.path}/delete`);
    }
    expect(await listed(chat)).toEqual([]);
  });

  it("is not found through a new thread of the same id", async () => {
    const chat = await newChat(new FakeModel(says("Pelican."), says("Hello.")));
    const thread = chat.thread("id");
    await thread.ask("flamingo");
    await vi.waitFor(async () => expect(await listed(chat, "?search=flamingo")).toEqual(["id"]));
    await chat.project.post(`${thread.path}/delete`);
    await thread.ask("hi");
    await vi.waitFor(async () => expect(await listed(chat, "?search=hi")).toEqual(["id"]));
    for (const text of ["flamingo", "pelican"]) expect(await listed(chat, `?search=${text}`)).toEqual([]);
  });
});
