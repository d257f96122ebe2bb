import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { Chat, newChat, newProject, type Caller } from "../helpers/project.ts";

type Thread = { id: string };
type Project = Caller & { id: string };
const idsOf = (threads: Thread[]) => threads.map(({ id }) => id);

const listed = async (project: Project, query = "") => idsOf((await project.get(`/threads${query}`)).json.data);

async function secondChat({ project, botId, integrationId }: Chat, body: object = {}) {
  const { json } = await project.post(`/integrations/${integrationId}/chats`, {
    bot_id: botId,
    name: "Second",
    ...body,
  });
  return new Chat(project, json, json.bot_id);
}

/** A chat with threads of these ids, begun in this order. */
async function chatWith(...ids: string[]) {
  const chat = await newChat();
  for (const id of ids) await chat.thread(id).ask(`I am ${id}`);
  await vi.waitFor(async () => expect(await listed(chat.project)).toHaveLength(ids.length));
  return chat;
}

/** Follows `next_cursor` to the end. */
async function walk(project: Project, query: string) {
  const pages: string[][] = [];
  for (let cursor: string | null = ""; cursor !== null && pages.length < 10;) {
    const { status, json } = await project.get(`/threads?${query}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    expect(status).toBe(200);
    pages.push(idsOf(json.data));
    cursor = json.next_cursor as string | null;
  }
  return pages;
}

const SEVEN = ["t1", "t2", "t3", "t4", "t5", "t6", "t7"];
const NEWEST_FIRST = SEVEN.toReversed();

describe("the list of threads", () => {
  it("shows what a thread is about", async () => {
    const chat = await chatWith("t1");
    const { json } = await chat.project.get("/threads");
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(json).toEqual({
      data: [
        {
          id: "t1",
          chat_id: chat.id,
          bot_id: chat.botId,
          mode: "auto",
          title: null,
          last_message_at: time,
          pending_count: 0,
          created_at: time,
        },
      ],
      next_cursor: null,
    });
    expect((await chat.project.get(`/chats/${chat.id}/threads`)).json).toEqual(json.data);
  });

  it("is empty in a new project, and never shows another project's threads", async () => {
    const [project] = [await newProject(), await chatWith("t1")];
    expect((await project.get("/threads")).json).toEqual({ data: [], next_cursor: null });
  });

  it("can be narrowed to a chat, a bot, or both", async () => {
    const first = await newChat();
    const { json: bot } = await first.project.post("/bots", { name: "Second" });
    const second = await secondChat(first);
    const third = await secondChat(first, { bot_id: bot.id });
    for (const [index, chat] of [first, second, third].entries()) await chat.thread(`t${index + 1}`).ask("hi");
    const { project } = first;
    await vi.waitFor(async () => expect(await listed(project)).toEqual(["t3", "t2", "t1"]));
    expect(await listed(project, `?chat_id=${second.id}`)).toEqual(["t2"]);
    expect(await listed(project, `?bot_id=${first.botId}`)).toEqual(["t2", "t1"]);
    expect(await listed(project, `?bot_id=${bot.id}&chat_id=${third.id}`)).toEqual(["t3"]);
    expect(await listed(project, `?bot_id=${bot.id}&chat_id=${first.id}`)).toEqual([]);
    expect(await listed(project, `?chat_id=${crypto.randomUUID()}`)).toEqual([]);
    expect(idsOf((await project.get(`/chats/${second.id}/threads`)).json)).toEqual(["t2"]);
  });

  it("does not open another project's chat or bot as a filter", async () => {
    const [mine, theirs] = [await chatWith("mine"), await chatWith("theirs")];
    expect(await listed(mine.project, `?chat_id=${theirs.id}`)).toEqual([]);
    expect(await listed(mine.project, `?bot_id=${theirs.botId}`)).toEqual([]);
  });

  it("is walked with a cursor, newest first, without gaps or doubles", { timeout: 20_000 }, async () => {
    const { project } = await chatWith(...SEVEN);
    expect(await listed(project)).toEqual(NEWEST_FIRST);
    for (const [limit, sizes] of [
      [1, [1, 1, 1, 1, 1, 1, 1]],
      [3, [3, 3, 1]],
      [7, [7]],
      [1000, [7]],
    ] as const) {
      const pages = await walk(project, `limit=${limit}`);
      expect([pages.map(({ length }) => length), pages.flat()]).toEqual([sizes, NEWEST_FIRST]);
    }
    expect(await listed(project, "?limit=3&offset=2")).toEqual(["t5", "t4", "t3"]);
    expect(await listed(project, "?offset=7")).toEqual([]);
    const { json } = await project.get("/threads?limit=2");
    expect(await listed(project, `?limit=2&offset=1&cursor=${json.next_cursor}`)).toEqual(["t5", "t4"]);
  });

  it("is walked completely even when all its threads began in the same millisecond", async () => {
    const { project } = await chatWith("t1", "t2", "t3", "t4", "t5");
    await env.DB.prepare("update threads set created_at = 1700000000000 where project_id = ?").bind(project.id).run();
    const pages = await walk(project, "limit=2");
    expect(pages.map(({ length }) => length)).toEqual([2, 2, 1]);
    expect(pages.flat().toSorted()).toEqual(["t1", "t2", "t3", "t4", "t5"]);
  });

  it("goes on where it was when a thread begins in between", async () => {
    const chat = await chatWith("t1", "t2", "t3");
    const { json } = await chat.project.get("/threads?limit=2");
    await chat.thread("t4").ask("hi");
    await vi.waitFor(async () => expect(await listed(chat.project)).toContain("t4"));
    expect(await listed(chat.project, `?cursor=${json.next_cursor}`)).toEqual(["t1"]);
  });

  it("is walked within a filter, and a chat's own list by its Link header", async () => {
    const chat = await chatWith("t1", "t2", "t3");
    await (await secondChat(chat)).thread("other").ask("hi");
    expect(await walk(chat.project, `limit=2&chat_id=${chat.id}`)).toEqual([["t3", "t2"], ["t1"]]);
    const first = await chat.project.get(`/chats/${chat.id}/threads?limit=2`);
    const next = /^<(.*)>; rel="next"$/.exec(first.headers.get("link")!)![1]!;
    const second = await chat.project.get(next);
    expect([first, second].map(({ json }) => idsOf(json))).toEqual([["t3", "t2"], ["t1"]]);
    expect(second.headers.get("link")).toBeNull();
  });

  it.each([
    ["cursor", "nonsense"],
    ["cursor", "%F0%9F%92%A9"],
    ["cursor", btoa("1700000000000")],
    ["cursor", encodeURIComponent(btoa("x' or 1=1 --"))],
    ["limit", "0"],
    ["limit", "-1"],
    ["limit", "1.5"],
    ["limit", "many"],
    ["limit", "1001"],
    ["offset", "-1"],
    ["offset", "first"],
  ])("refuses %s=%s and says which parameter is wrong", async (name, value) => {
    const { status, json } = await (await newProject()).get(`/threads?${name}=${value}`);
    expect([status, json.issues[0].path]).toEqual([422, name]);
  });

  it("shows nothing of another project for a cursor that another project got", async () => {
    const [mine, theirs] = [await chatWith("m1", "m2"), await chatWith("x1", "x2", "x3")];
    const { json } = await theirs.project.get("/threads?limit=1");
    expect(await listed(mine.project, `?cursor=${json.next_cursor}`)).toEqual(["m2", "m1"]);
  });
});

describe("a thread's id", () => {
  it.each(["a", "7", "Ivan.Petrov_2:42-x", "-", "_.:-", "null", "x".repeat(128)])("may be %s", async (id) => {
    const chat = await newChat();
    const thread = chat.thread(id);
    await thread.ask("hi");
    expect((await thread.get()).json.id).toBe(id);
    expect(await thread.messages()).toHaveLength(2);
    await vi.waitFor(async () => expect(await listed(chat.project)).toEqual([id]));
    expect(await listed(chat.project, "?search=hi")).toEqual([id]);
  });

  it("is the same whether its characters are escaped or not", async () => {
    const chat = await newChat();
    await chat.thread("user:42").ask("hi");
    expect((await chat.thread("user%3A42").get()).json.id).toBe("user:42");
    expect(await chat.thread("%75ser%3a42").messages()).toHaveLength(2);
  });

  it.each(["a%20b", "%D1%8F", "a%2Fb", "a@b", "a%00b", "x".repeat(129)])("may not be %s", async (id) => {
    const { status, json } = await newChat().then((chat) =>
      chat.project.post(`/chats/${chat.id}/threads/${id}/stream`, { messages: [{ role: "user", content: "hi" }] }),
    );
    expect([status, json.issues[0].path]).toEqual([422, "thread_id"]);
  });

  it.each([".", "..", "events"])("may not be %s, which no address can name", async (id) => {
    const chat = await newChat();
    const message = { id: "1", role: "user", parts: [{ type: "text", text: "hi" }] };
    const response = await chat.project.fetch("POST", `/chats/${chat.id}/threads`, { id, messages: [message] });
    expect(response.status).toBe(422);
    await response.body?.cancel();
  });

  it("may be used by two projects for two threads", async () => {
    const [mine, theirs] = [await chatWith("same"), await chatWith("same")];
    await mine.thread("same").ask("only mine");
    expect(await mine.thread("same").messages()).toHaveLength(4);
    expect(await theirs.thread("same").messages()).toHaveLength(2);
    await mine.project.post(`${mine.thread("same").path}/delete`);
    expect(await theirs.thread("same").messages()).toHaveLength(2);
    expect((await theirs.project.get("/threads?search=mine")).json.data).toEqual([]);
  });
});
