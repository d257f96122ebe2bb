import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { Chat, newChat, newProject, readAnswer, type Caller } from "../helpers/project.ts";
import { FakeModel, says } from "../helpers/upstream.ts";

type Project = Caller & { id: string };

/** For each vendor, everything that it cannot work without. */
const VENDORS: [vendor: string, required: Record<string, string>][] = [
  ["telegram", { token: "7123456789:AAH" }],
  ["whatsapp", { access_token: "EAAG", phone_number_id: "1055" }],
  ["vk", { access_token: "vk1.a" }],
  ["ok", { access_token: "tkn" }],
  ["max", { token: "f9LH" }],
  ["github", { token: "ghp_1" }],
  ["github", { client_id: "Iv1", client_secret: "shh" }],
  ["github", { app_id: "1", private_key: "-----BEGIN", installation_id: "2" }],
  ["google", {}],
  ["yandex", {}],
  ["amocrm", { subdomain: "mycompany" }],
  ["bitrix", { domain: "mycompany.bitrix24.ru" }],
  ["bitrix", { webhook_url: "https://mycompany.bitrix24.ru/rest/1/x/" }],
  ["avito", { client_id: "id", client_secret: "shh" }],
  ["sber", {}],
  ["worken", {}],
];

/** Each vendor with one of its required fields left out, and the field that the answer names. */
const INCOMPLETE = VENDORS.filter(
  ([vendor], index) => VENDORS.findIndex(([other]) => other === vendor) === index,
).flatMap(([vendor, required]) => Object.keys(required).map((missing) => ({ vendor, required, missing })));

const create = (project: Project, vendor: string, auth_data: unknown = {}) =>
  project.post("/integrations", { name: "Channel", vendor, auth_data });

describe("an integration", () => {
  it.each(VENDORS)("with %s is created with %j", async (vendor, auth_data) => {
    const project = await newProject();
    const { status, json } = await create(project, vendor, auth_data);
    expect(status).toBe(200);
    expect(json).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: "Channel",
      vendor,
      status: "active",
      project_id: project.id,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      updated_at: json.created_at,
    });
    expect((await project.get(`/integrations/${json.id}`)).json).toEqual(json);
    expect((await project.get("/integrations")).json).toEqual([json]);
  });

  it.each(INCOMPLETE)("with $vendor is refused without auth_data.$missing", async ({ vendor, required, missing }) => {
    const project = await newProject();
    const { [missing]: _, ...others } = required;
    for (const auth_data of [others, { ...others, [missing]: " " }, { ...others, [missing]: null }]) {
      const { status, json } = await create(project, vendor, auth_data);
      expect(status).toBe(422);
      expect(json.issues.map(({ path }: { path: string }) => path)).toEqual([`auth_data.${missing}`]);
      expect(json.message).toContain(`auth_data.${missing}`);
    }
    expect((await project.get("/integrations")).json).toEqual([]);
  });

  it.each([
    { field: "vendor", body: { name: "Channel", vendor: "icq", auth_data: {} } },
    { field: "name", body: { name: "", vendor: "worken", auth_data: {} } },
    { field: "auth_data", body: { name: "Channel", vendor: "worken" } },
    { field: "auth_data", body: { name: "Channel", vendor: "worken", auth_data: "token" } },
    { field: "settings", body: { name: "Channel", vendor: "worken", auth_data: {}, settings: [] } },
  ])("is refused with $body, and the answer names $field", async ({ field, body }) => {
    const { status, json } = await (await newProject()).post("/integrations", body);
    expect([status, json.issues[0].path]).toEqual([422, field]);
  });

  it("never gives its credentials back, whatever it is asked", async () => {
    const project = await newProject();
    const first = await create(project, "telegram", { token: "SECRET-1" });
    const path = `/integrations/${first.json.id}`;
    const answers = [
      first,
      await project.get(path),
      await project.get("/integrations"),
      await project.post(path, { name: "Renamed", auth_data: { token: "SECRET-2" } }),
      await project.post(path, { auth_data: { token: "", hint: "SECRET-3" } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 422]);
    expect(JSON.stringify(answers)).not.toMatch(/SECRET|auth_data"|credentials|token":/);
  });

  it("has its credentials encrypted in the database, each time differently", async () => {
    const project = await newProject();
    await create(project, "telegram", { token: "SECRET" });
    await create(project, "telegram", { token: "SECRET" });
    const rows = env.DB.prepare("select * from integrations where project_id = ?").bind(project.id);
    const { results } = await rows.all<{ credentials: string }>();
    expect(JSON.stringify(results)).not.toMatch(/SECRET|token/);
    expect(atob(results[0]!.credentials.split(":").at(-1)!)).not.toContain("SECRET");
    expect(results[0]!.credentials).not.toBe(results[1]!.credentials);
  });

  it("changes only in what an update names", async () => {
    const project = await newProject();
    const { json } = await create(project, "telegram", { token: "1" });
    const path = `/integrations/${json.id}`;
    expect((await project.post(path, { name: "Renamed" })).json).toMatchObject({ name: "Renamed", status: "active" });
    const disabled = await project.post(path, { status: "disabled", settings: { greeting: "Hi" } });
    expect(disabled.json).toMatchObject({
      name: "Renamed",
      status: "disabled",
      vendor: "telegram",
      settings: { greeting: "Hi" },
    });
    expect((await project.get(path)).json).toEqual(disabled.json);
    const refused = await project.post(path, { status: "asleep" });
    expect([refused.status, refused.json.issues[0].path]).toEqual([422, "status"]);
    const incomplete = await project.post(path, { auth_data: {} });
    expect([incomplete.status, incomplete.json.issues[0].path]).toEqual([422, "auth_data.token"]);
  });

  it("lets none of its bots speak while it is disabled", async () => {
    const model = new FakeModel(says("Hello."));
    const chat = await newChat(model);
    const path = `/integrations/${chat.integrationId}`;
    await chat.project.post(path, { status: "disabled" });
    const refused = await chat.thread("t1").stream("hi");
    expect([refused.status, await refused.json()]).toMatchObject([409, { message: expect.stringContaining("active") }]);
    expect(model.requests).toEqual([]);
    await chat.project.post(path, { status: "active" });
    expect((await chat.thread("t1").ask("hi")).text).toBe("Hello.");
  });

  it("keeps what each of several updates in the same moment has changed", async () => {
    const project = await newProject();
    const path = `/integrations/${(await create(project, "telegram", { token: "1" })).json.id}`;
    const changes = [{ status: "disabled" }, { name: "Renamed" }, { auth_data: { token: "2" } }];
    await Promise.all(changes.map((change) => project.post(path, change)));
    expect((await project.get(path)).json).toMatchObject({ name: "Renamed", status: "disabled" });
  });

  it("is gone once deleted, with its chats", async () => {
    const { project, integrationId, id } = await newChat();
    const path = `/integrations/${integrationId}`;
    expect(await project.delete(path)).toMatchObject({ status: 200, json: { id: integrationId, deleted: true } });
    expect((await project.get(path)).status).toBe(404);
    expect((await project.get(`${path}/chats`)).status).toBe(404);
    expect((await project.get(`/chats/${id}`)).status).toBe(404);
    expect([(await project.get("/integrations")).json, (await project.get("/chats")).json]).toEqual([[], []]);
    expect((await project.delete(path)).status).toBe(404);
  });

  it("leaves nothing behind of the people who were known through it", async () => {
    const chat = await newChat(new FakeModel(says("Hello.")));
    const person = { external_id: "42", name: "Ann", avatar_url: "https://a.example/ann.png" };
    const messages = [{ role: "user", content: "hi" }];
    await readAnswer(await chat.project.fetch("POST", `${chat.thread().path}/stream`, { messages, person }));
    const known = env.DB.prepare("select name from people where project_id = ?").bind(chat.project.id);
    expect((await known.all()).results).toEqual([{ name: "Ann" }]);
    await chat.project.delete(`/integrations/${chat.integrationId}`);
    expect((await known.all()).results).toEqual([]);
  });

  it("is hidden from every other project", async () => {
    const [mine, theirs] = [await newProject(), await newChat()];
    const path = `/integrations/${theirs.integrationId}`;
    expect((await mine.get(path)).status).toBe(404);
    expect((await mine.post(path, { name: "Mine" })).status).toBe(404);
    expect((await mine.delete(path)).status).toBe(404);
    expect((await mine.get(`${path}/chats`)).status).toBe(404);
    expect((await mine.get("/integrations")).json).toEqual([]);
    expect((await theirs.project.get(path)).json.name).toBe("Web");
  });
});

describe("a deleted conversation", () => {
  const gone = (project: Project, threadId: string) =>
    vi.waitFor(async () => expect((await project.get(`/threads/${threadId}`)).status).toBe(404), { timeout: 15_000 });
  const found = async (project: Project, search: string) =>
    (await project.get(`/threads?search=${search}`)).json.data.map(({ id }: { id: string }) => id);

  it("is erased with its chat: in detail, in lists and in search", { timeout: 20_000 }, async () => {
    const chat = await newChat(new FakeModel(says("Pelican.")));
    const other = await otherChat(chat);
    const [thread, kept] = [chat.thread(), other.thread()];
    await thread.ask("flamingo");
    await kept.ask("flamingo");
    await vi.waitFor(async () => expect(await found(chat.project, "flamingo")).toHaveLength(2));
    await chat.project.delete(`/integrations/${chat.integrationId}/chats/${chat.id}`);
    expect((await chat.project.get(`/chats/${chat.id}`)).status).toBe(404);
    expect((await thread.stream("again")).status).toBe(404);
    await gone(chat.project, thread.id);
    expect(await found(chat.project, "flamingo")).toEqual([kept.id]);
    expect(await found(chat.project, "pelican")).toEqual([kept.id]);
    expect((await chat.project.get("/threads")).json.data.map(({ id }: { id: string }) => id)).toEqual([kept.id]);
    expect(await kept.messages()).toHaveLength(2);
  });

  it("is erased among more of them than one job takes", { timeout: 30_000 }, async () => {
    const { project, integrationId, id: chatId } = await newChat();
    const list = async () => (await project.get("/threads?limit=1000")).json.data;
    const post = { messages: [{ role: "user", content: "flamingo" }] };
    const ids = Array.from({ length: 60 }, (_, index) => `t${index}`);
    await Promise.all(
      ids.map(async (id) => (await project.fetch("POST", `/chats/${chatId}/threads/${id}/stream`, post)).text()),
    );
    await vi.waitFor(async () => expect(await list()).toHaveLength(60), { timeout: 10_000 });
    await project.delete(`/integrations/${integrationId}/chats/${chatId}`);
    await vi.waitFor(async () => expect(await list()).toEqual([]), { timeout: 20_000 });
  });

  it("is erased with its integration, in all its chats", { timeout: 20_000 }, async () => {
    const chat = await newChat(new FakeModel(says("Pelican.")));
    const threads = [chat.thread(), (await otherChat(chat)).thread()];
    for (const thread of threads) await thread.ask("flamingo");
    await chat.project.delete(`/integrations/${chat.integrationId}`);
    for (const thread of threads) await gone(chat.project, thread.id);
    expect(await found(chat.project, "flamingo")).toEqual([]);
  });
});

async function otherChat({ project, botId, integrationId }: Chat) {
  const { json } = await project.post(`/integrations/${integrationId}/chats`, { bot_id: botId, name: "Other" });
  return new Chat(project, json, botId);
}
