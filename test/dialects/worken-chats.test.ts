import { describe, expect, it } from "vitest";
import { newChat, newProject, type Chat } from "../helpers/project.ts";
import { FakeModel, says } from "../helpers/upstream.ts";

const pathOf = (chat: Chat) => `/integrations/${chat.integrationId}/chats/${chat.id}`;
const create = ({ project, integrationId, botId }: Chat, body: object = {}, at = integrationId) =>
  project.post(`/integrations/${at}/chats`, { bot_id: botId, name: "Second", ...body });

describe("a chat", () => {
  it("connects a bot with an integration", async () => {
    const chat = await newChat();
    const { status, json } = await create(chat, { settings: { greeting: "Hi" } });
    expect(status).toBe(200);
    expect(json).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: "Second",
      bot_id: chat.botId,
      integration_id: chat.integrationId,
      status: "active",
      project_id: chat.project.id,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      updated_at: json.created_at,
      events_24h: 0,
      settings: { greeting: "Hi" },
    });
    expect((await chat.project.get(`/chats/${json.id}`)).json).toEqual(json);
  });

  it("shows its settings where it has any, merges them, and loses those that are null", async () => {
    const chat = await newChat();
    const set = async (settings: object) => (await chat.project.post(pathOf(chat), { settings })).json.settings;
    expect((await chat.project.get(`/chats/${chat.id}`)).json).not.toHaveProperty("settings");
    expect(await set({ debounce_ms: 5, hours: { from: 9 } })).toEqual({ debounce_ms: 5, hours: { from: 9 } });
    expect(await set({ debounce_ms: null, hours: { to: 17 } })).toEqual({ hours: { from: 9, to: 17 } });
    expect(await set({ hours: null })).toBeUndefined();
  });

  it("is listed in its project, and in its integration", async () => {
    const chat = await newChat();
    const { json: second } = await create(chat);
    const { json: elsewhere } = await chat.project.post("/integrations", {
      name: "Other",
      vendor: "worken",
      auth_data: {},
    });
    const { json: third } = await create(chat, {}, elsewhere.id);
    const listed = async (path: string) =>
      (await chat.project.get(path)).json.map(({ id }: { id: string }) => id) as string[];
    expect(await listed("/chats")).toEqual([chat.id, second.id, third.id]);
    expect(await listed(`/integrations/${chat.integrationId}/chats`)).toEqual([chat.id, second.id]);
    expect(await listed(`/integrations/${elsewhere.id}/chats`)).toEqual([third.id]);
  });

  it.each([
    { field: "bot_id", body: { bot_id: undefined } },
    { field: "bot_id", body: { bot_id: "" } },
    { field: "name", body: { name: "" } },
    { field: "settings.debounce_ms", body: { settings: { debounce_ms: 60_001 } } },
    { field: "settings.debounce_ms", body: { settings: { debounce_ms: "soon" } } },
  ])("is refused with $body, and the answer names $field", async ({ field, body }) => {
    const { status, json } = await create(await newChat(), body);
    expect([status, json.issues[0].path]).toEqual([422, field]);
  });

  it("exists once per integration, bot and name", async () => {
    const chat = await newChat();
    const twin = await create(chat, { name: "Web" });
    expect([twin.status, twin.json.error]).toEqual([409, "Conflict"]);
    const { json: bot } = await chat.project.post("/bots", { name: "Second" });
    expect((await create(chat, { name: "Web", bot_id: bot.id })).status).toBe(200);
    const { json: renamed } = await create(chat, { name: "Other" });
    const renaming = await chat.project.post(`/integrations/${chat.integrationId}/chats/${renamed.id}`, {
      name: "Web",
    });
    expect(renaming.status).toBe(409);
    await chat.project.delete(pathOf(chat));
    expect((await create(chat, { name: "Web" })).status).toBe(200);
  });

  it("exists once even when ten are created in the same moment", async () => {
    const chat = await newChat();
    const statuses = await Promise.all(Array.from({ length: 10 }, async () => (await create(chat)).status));
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, ...Array.from({ length: 9 }, () => 409)]);
    expect((await chat.project.get("/chats")).json).toHaveLength(2);
  });

  it("takes the name of no other, even when five are renamed in the same moment", async () => {
    const chat = await newChat();
    const names = ["A", "B", "C", "D", "E"];
    const ids = await Promise.all(names.map(async (name) => (await create(chat, { name })).json.id));
    const statuses = await Promise.all(
      ids.map(async (id) => {
        const path = `/integrations/${chat.integrationId}/chats/${id}`;
        return (await chat.project.post(path, { name: "Same" })).status;
      }),
    );
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 409, 409, 409, 409]);
  });

  it("is not made with another project's bot or integration", async () => {
    const [mine, theirs] = [await newChat(), await newChat()];
    const foreignBot = await create(mine, { bot_id: theirs.botId });
    expect([foreignBot.status, foreignBot.json.message]).toEqual([404, `bot ${theirs.botId} does not exist`]);
    expect((await create(mine, {}, theirs.integrationId)).status).toBe(404);
    expect((await mine.project.post(pathOf(mine), { bot_id: theirs.botId })).status).toBe(404);
    expect((await mine.project.get(`/chats/${mine.id}`)).json.bot_id).toBe(mine.botId);
  });

  it("changes only in what an update names; another bot may take it over", async () => {
    const [first, second] = [new FakeModel(says("First.")), new FakeModel(says("Second."))];
    const chat = await newChat(first);
    const thread = chat.thread();
    expect((await thread.ask("hi")).text).toBe("First.");
    const { json: bot } = await chat.project.post("/bots", { name: "Second" });
    await chat.project.post(`/bots/${bot.id}/settings`, { ai: { model: { id: second.id } } });
    const updated = await chat.project.post(pathOf(chat), { bot_id: bot.id });
    expect([updated.status, updated.json]).toMatchObject([200, { id: chat.id, name: "Web", bot_id: bot.id }]);
    expect((await thread.ask("and now?")).text).toBe("Second.");
    expect((await thread.get()).json.bot_id).toBe(bot.id);
    expect((await chat.project.post(pathOf(chat), { name: "New" })).json).toMatchObject({
      name: "New",
      bot_id: bot.id,
    });
  });

  it("keeps what each of several updates in the same moment has changed", async () => {
    const chat = await newChat();
    const answers = await Promise.all([
      chat.project.post(`${pathOf(chat)}/status`, { status: "disabled" }),
      chat.project.post(pathOf(chat), { name: "Renamed" }),
      chat.project.post(pathOf(chat), { settings: { greeting: "Hi" } }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const { json } = await chat.project.get(`/chats/${chat.id}`);
    expect(json).toMatchObject({ name: "Renamed", status: "disabled", settings: { greeting: "Hi" } });
  });

  it("refuses to talk while it is disabled, and never calls the model", async () => {
    const model = new FakeModel(says("Hello."));
    const chat = await newChat(model);
    const set = (status: string) => chat.project.post(`${pathOf(chat)}/status`, { status });
    expect((await set("disabled")).json).toMatchObject({ id: chat.id, status: "disabled" });
    const thread = chat.thread();
    expect((await thread.stream("hi")).status).toBe(409);
    expect((await thread.get()).status).toBe(404);
    expect(model.requests).toHaveLength(0);
    await set("active");
    expect((await thread.ask("hi")).text).toBe("Hello.");
    const refused = await set("error");
    expect([refused.status, refused.json.issues[0].path]).toEqual([422, "status"]);
  });

  it("is reached through its own integration only", async () => {
    const chat = await newChat();
    const { json: other } = await chat.project.post("/integrations", { name: "O", vendor: "worken", auth_data: {} });
    const path = `/integrations/${other.id}/chats/${chat.id}`;
    expect((await chat.project.post(path, { name: "Moved" })).status).toBe(404);
    expect((await chat.project.post(`${path}/status`, { status: "disabled" })).status).toBe(404);
    expect((await chat.project.delete(path)).status).toBe(404);
    expect((await chat.project.get(`/chats/${chat.id}`)).json).toMatchObject({ name: "Web", status: "active" });
  });

  it("is gone once deleted", async () => {
    const chat = await newChat();
    expect(await chat.project.delete(pathOf(chat))).toMatchObject({
      status: 200,
      json: { id: chat.id, deleted: true },
    });
    expect((await chat.project.get(`/chats/${chat.id}`)).status).toBe(404);
    expect((await chat.project.get(`/chats/${chat.id}/threads`)).status).toBe(404);
    expect((await chat.project.get("/chats")).json).toEqual([]);
    expect((await chat.project.get(`/integrations/${chat.integrationId}/chats`)).json).toEqual([]);
    expect((await chat.thread().stream("hi")).status).toBe(404);
    expect((await chat.project.post(pathOf(chat), { name: "Back" })).status).toBe(404);
    expect((await chat.project.delete(pathOf(chat))).status).toBe(404);
  });

  it("counts its messages of the last 24 hours, the bot's and the operator's too", async () => {
    const chat = await newChat(new FakeModel(says("Hello.")));
    const thread = chat.thread();
    await thread.ask("hi");
    await chat.thread().ask("hi");
    const events = async () => (await chat.project.get(`/chats/${chat.id}`)).json.events_24h;
    await expect.poll(events).toBe(4);
    await thread.setMode("manual");
    await thread.send("This is Ann.");
    await expect.poll(events).toBe(5);
    expect((await chat.project.get("/chats")).json[0].events_24h).toBe(5);
  });

  it("is hidden from every other project", async () => {
    const [mine, theirs] = [await newProject(), await newChat()];
    expect((await mine.get(`/chats/${theirs.id}`)).status).toBe(404);
    expect((await mine.get(`/chats/${theirs.id}/threads`)).status).toBe(404);
    expect((await mine.get("/chats")).json).toEqual([]);
  });
});
