import { describe, expect, it } from "vitest";
import { newChat, newProject } from "../helpers/project.ts";
import { FakeModel, says } from "../helpers/upstream.ts";

async function newBot() {
  const project = await newProject();
  const { json: bot } = await project.post("/bots", { name: "Sales Bot" });
  const path = `/bots/${bot.id}`;
  const set = (ai: unknown) => project.post(`${path}/settings`, { ai });
  return { project, bot, path, set, settings: async () => (await project.get(`${path}/settings`)).json.ai };
}

describe("a bot", () => {
  it("is created with a name alone", async () => {
    const project = await newProject();
    const { status, json } = await project.post("/bots", { name: " Sales Bot " });
    expect(status).toBe(200);
    expect(json).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: "Sales Bot",
      description: null,
      status: "active",
      project_id: project.id,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      updated_at: json.created_at,
    });
    expect((await project.get(`/bots/${json.id}`)).json).toEqual(json);
    expect((await project.get("/bots")).json).toEqual([json]);
  });

  it("changes only in what an update names", async () => {
    const { project, bot, path } = await newBot();
    const described = await project.post(path, { description: "Sells" });
    expect(described.json).toMatchObject({ ...bot, description: "Sells", updated_at: expect.any(String) });
    const renamed = await project.post(path, { name: "Buyer" });
    expect(renamed.json).toMatchObject({ name: "Buyer", description: "Sells", created_at: bot.created_at });
    expect(Date.parse(renamed.json.updated_at)).toBeGreaterThanOrEqual(Date.parse(bot.updated_at));
    expect((await project.post(path, { description: null })).json.description).toBeNull();
    expect((await project.get(path)).json).toMatchObject({ name: "Buyer", description: null });
  });

  it.each([
    { field: "name", body: {} },
    { field: "name", body: { name: "" } },
    { field: "name", body: { name: "   " } },
    { field: "name", body: { name: "x".repeat(201) } },
    { field: "name", body: { name: 5 } },
    { field: "description", body: { name: "Bot", description: 5 } },
  ])("is refused with $body, and the answer names $field", async ({ field, body }) => {
    const { status, json } = await (await newProject()).post("/bots", body);
    expect([status, json.issues[0].path]).toEqual([422, field]);
    expect(json.message).toContain(field);
  });

  it("is hidden from every other project", async () => {
    const [mine, { bot, path }] = [await newProject(), await newBot()];
    expect((await mine.get(path)).status).toBe(404);
    expect((await mine.get("/bots")).json).toEqual([]);
    expect((await mine.post(path, { name: "Mine" })).status).toBe(404);
    expect((await mine.get(path)).json.message).toBe(`bot ${bot.id} does not exist`);
  });

  it("is listed oldest first, page by page", async () => {
    const project = await newProject();
    for (const name of ["A", "B", "C"]) await project.post("/bots", { name });
    const names = ({ json }: { json: { name: string }[] }) => json.map(({ name }) => name);
    const first = await project.get("/bots?limit=2");
    const next = /^<(\/bots\?.*)>; rel="next"$/.exec(first.headers.get("link")!)![1]!;
    const second = await project.get(next);
    expect([names(first), names(second), second.headers.get("link")]).toEqual([["A", "B"], ["C"], null]);
    expect((await project.get("/bots?limit=0")).status).toBe(422);
    expect((await project.get("/bots?cursor=nonsense")).status).toBe(422);
  });
});

describe("a bot's status", () => {
  it.each(["disabled", "error"])("%s keeps the model silent until it is active again", async (status) => {
    const model = new FakeModel(says("Hello."));
    const chat = await newChat(model);
    const set = (value: string) => chat.project.post(`/bots/${chat.botId}/status`, { status: value });
    expect((await set(status)).json).toMatchObject({ id: chat.botId, status });
    expect((await chat.thread().stream("hi")).status).toBe(409);
    expect(model.requests).toHaveLength(0);
    await set("active");
    expect((await chat.thread().ask("hi")).text).toBe("Hello.");
  });

  it.each([{}, { status: "asleep" }, { status: null }])("cannot be %j", async (body) => {
    const { project, path } = await newBot();
    const { status, json } = await project.post(`${path}/status`, body);
    expect([status, json.issues[0].path]).toEqual([422, "status"]);
  });
});

describe("a cloned bot", () => {
  it("has the same settings under a name of its own, and no chats", async () => {
    const { project, bot, path, set, settings } = await newBot();
    await project.post(path, { description: "Sells" });
    await set({ instruction: "Sell.", model: { temperature: 0 }, tools: { search: "auto" }, vector_store_ids: ["a"] });
    const { status, json: copy } = await project.post(`${path}/clone`);
    expect(status).toBe(200);
    expect(copy).toMatchObject({ name: "Sales Bot (copy)", description: "Sells", status: "active" });
    expect(copy.id).not.toBe(bot.id);
    expect((await project.get(`/bots/${copy.id}/settings`)).json.ai).toEqual(await settings());
    expect((await project.get("/chats")).json).toEqual([]);
  });

  it("has a name that it may keep, however long the original's is", async () => {
    const project = await newProject();
    const { json: bot } = await project.post("/bots", { name: "x".repeat(200) });
    const { json: copy } = await project.post(`/bots/${bot.id}/clone`);
    expect(copy.name).toMatch(/^x+ \(copy\)$/);
    expect((await project.post(`/bots/${copy.id}`, { name: copy.name })).status).toBe(200);
  });

  it("goes its own way from then on, and so does the original", async () => {
    const { project, path, set, settings } = await newBot();
    await set({ instruction: "Sell.", tools: { search: "auto" } });
    const { json: copy } = await project.post(`${path}/clone`);
    await project.post(`/bots/${copy.id}/settings`, { ai: { tools: {}, model: { temperature: 0 } } });
    expect(await settings()).toMatchObject({ tools: { search: "auto" }, model: { temperature: 1 } });
    await set({ instruction: "Buy." });
    await project.post(`${path}/delete`);
    expect((await project.get(`/bots/${copy.id}/settings`)).json.ai).toMatchObject({ instruction: "Sell.", tools: {} });
  });
});

describe("a deleted bot", () => {
  it("is gone", async () => {
    const { project, bot, path } = await newBot();
    expect(await project.post(`${path}/delete`)).toMatchObject({ status: 200, json: { id: bot.id, deleted: true } });
    expect((await project.get("/bots")).json).toEqual([]);
    for (const [method, rest, body] of [
      ["GET", "", undefined],
      ["GET", "/settings", undefined],
      ["POST", "", { name: "Again" }],
      ["POST", "/status", { status: "active" }],
      ["POST", "/settings", { ai: {} }],
      ["POST", "/clone", undefined],
      ["POST", "/delete", undefined],
    ] as const) {
      expect((await project.call(method, `${path}${rest}`, body)).status).toBe(404);
    }
  });

  it("answers in none of its chats any more, and what was said there stays", async () => {
    const model = new FakeModel(says("Hello."));
    const chat = await newChat(model);
    const thread = chat.thread();
    await thread.ask("hi");
    await chat.project.post(`/bots/${chat.botId}/delete`);
    for (const each of [thread, chat.thread()]) {
      expect((await each.stream("still there?")).status).toBe(409);
    }
    expect(model.requests).toHaveLength(1);
    expect((await thread.messages()).map(({ content }) => content)).toEqual(["hi", "Hello."]);
    const { status } = await chat.project.post(`/integrations/${chat.integrationId}/chats`, {
      bot_id: chat.botId,
      name: "Another",
    });
    expect(status).toBe(404);
  });
});
