import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { callWorker, newChat, newProject, root, type Caller } from "../helpers/project.ts";

type Creation = { caller: Caller; path: string; body?: object; list: string };

const newKey = () => `key-${crypto.randomUUID()}`;
const keyed = (key: string) => ({ "idempotency-key": key });

/** For each thing that can be created: how, and where it would be seen twice. */
const CREATIONS: Record<string, (name: string) => Promise<Creation>> = {
  "a project": async (name) => ({
    caller: root,
    path: "/projects",
    body: { name, organization_id: "tests" },
    list: "/projects",
  }),
  "an API key": async (name) => {
    const caller = await newProject();
    return { caller, path: `/projects/${caller.id}/api-keys`, body: { name }, list: `/projects/${caller.id}/api-keys` };
  },
  "a bot": async (name) => ({ caller: await newProject(), path: "/bots", body: { name }, list: "/bots" }),
  "a clone": async (name) => {
    const caller = await newProject();
    const { json: bot } = await caller.post("/bots", { name: name.replace(" (copy)", "") });
    return { caller, path: `/bots/${bot.id}/clone`, list: "/bots" };
  },
  "an integration": async (name) => ({
    caller: await newProject(),
    path: "/integrations",
    body: { name, vendor: "telegram", auth_data: { token: "1" } },
    list: "/integrations",
  }),
  "a chat": async (name) => {
    const { project, integrationId, botId } = await newChat();
    return {
      caller: project,
      path: `/integrations/${integrationId}/chats`,
      body: { name, bot_id: botId },
      list: "/chats",
    };
  },
};

async function prepare(what: string) {
  const name = `${crypto.randomUUID()} (copy)`;
  const { caller, path, body, list } = await CREATIONS[what]!(name);
  const create = (key: string, given: object | undefined = body) => caller.post(path, given, keyed(key));
  const count = async () => (await caller.get(list)).json.filter((each: { name: string }) => each.name === name).length;
  return { create, count };
}

describe.each(Object.keys(CREATIONS))("%s with an Idempotency-Key", (what) => {
  it("is created once, and every repetition gets the first answer", async () => {
    const { create, count } = await prepare(what);
    const key = newKey();
    const [first, second, third] = [await create(key), await create(key), await create(key)];
    expect([first.status, first.headers.get("idempotent-replayed")]).toEqual([200, null]);
    for (const repeated of [second, third]) {
      expect([repeated.status, repeated.json]).toEqual([first.status, first.json]);
      expect(repeated.headers.get("idempotent-replayed")).toBe("true");
    }
    expect(await count()).toBe(1);
  });

  it("is created once by ten who ask in the same moment, and all get the same answer", async () => {
    const { create, count } = await prepare(what);
    const key = newKey();
    const answers = await Promise.all(Array.from({ length: 10 }, () => create(key)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map(({ json }) => JSON.stringify(json))).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get("idempotent-replayed") === "true")).toHaveLength(9);
    expect(await count()).toBe(1);
  });

  it("is refused when the key was used for another body", async () => {
    const { create, count } = await prepare(what);
    const key = newKey();
    await create(key);
    const { status, json } = await create(key, {
      name: "Another",
      vendor: "worken",
      organization_id: "x",
      bot_id: "x",
      auth_data: {},
    });
    expect([status, json.error]).toEqual([422, "Unprocessable Entity"]);
    expect(json.message).toContain("Idempotency-Key");
    expect(await count()).toBe(1);
  });
});

describe("an Idempotency-Key", () => {
  it("is of its project: another one uses the same for something else", async () => {
    const key = newKey();
    const projects = [await newProject(), await newProject()];
    for (const [index, project] of projects.entries()) {
      const { status, json } = await project.post("/bots", { name: `Bot ${index}` }, keyed(key));
      expect([status, json.project_id]).toEqual([200, project.id]);
    }
    expect((await root.post("/projects", { name: "P", organization_id: "o" }, keyed(key))).status).toBe(200);
  });

  it("is of one request: on another path it is refused", async () => {
    const [project, key] = [await newProject(), newKey()];
    const { json: bot } = await project.post("/bots", { name: "Bot" }, keyed(key));
    expect((await project.post(`/bots/${bot.id}`, { name: "Bot" }, keyed(key))).status).toBe(422);
  });

  it("leaves nothing readable of its answer in the database", async () => {
    const [project, key] = [await newProject(), newKey()];
    const { json: created } = await project.post(`/projects/${project.id}/api-keys`, { name: "CI" }, keyed(key));
    const { json: repeated } = await project.post(`/projects/${project.id}/api-keys`, { name: "CI" }, keyed(key));
    expect(repeated.key).toBe(created.key);
    const statement = env.DB.prepare("select * from idempotent_answers where key = ?").bind(key);
    const { results } = await statement.all<{ answer: string }>();
    expect(results).toHaveLength(1);
    const [, iv, sealed] = results[0]!.answer.split(":");
    for (const text of [JSON.stringify(results), atob(iv!), atob(sealed!)]) {
      expect(text).not.toContain(created.key.slice(3, 20));
      expect(text).not.toContain(created.id);
    }
  });

  it("keeps no refusal: the same request may succeed later", async () => {
    const { project, integrationId, botId } = await newChat();
    const [key, other] = [newKey(), newKey()];
    const body = { bot_id: botId, name: "Web" };
    const create = () => project.post(`/integrations/${integrationId}/chats`, body, keyed(key));
    expect((await create()).status).toBe(409);
    const [chat] = (await project.get("/chats")).json;
    await project.delete(`/integrations/${integrationId}/chats/${chat.id}`);
    expect((await create()).status).toBe(200);
    expect((await project.post("/bots", { name: "" }, keyed(other))).status).toBe(422);
    expect((await project.post("/bots", { name: "Bot" }, keyed(other))).status).toBe(200);
  });

  it("of an upload is one file's: with another file it is refused", async () => {
    const [project, key] = [await newProject(), newKey()];
    const send = async (content: string) => {
      const form = new FormData();
      form.set("file", new File([content], "a.md", { type: "text/markdown" }));
      const headers = { authorization: `Bearer ${project.key}`, ...keyed(key) };
      const response = await callWorker(new Request("http://test/files", { method: "POST", headers, body: form }));
      return { status: response.status, json: await response.json<{ id?: string }>() };
    };
    const first = await send("one");
    expect([first.status, (await send("two")).status]).toEqual([200, 422]);
    expect((await project.get("/files")).json.data).toMatchObject([{ id: first.json.id }]);
  });

  it("is forgotten after a day", async () => {
    const [project, key] = [await newProject(), newKey()];
    const create = async () => (await project.post("/bots", { name: "Bot" }, keyed(key))).json.id;
    const age = (ms: number) =>
      env.DB.prepare("update idempotent_answers set created_at = created_at - ? where key = ?").bind(ms, key).run();
    const first = await create();
    await age(23 * 3_600_000);
    expect(await create()).toBe(first);
    await age(3_600_000 + 1);
    expect(await create()).not.toBe(first);
    expect((await project.get("/bots")).json).toHaveLength(2);
  });

  it.each([
    ["empty", ""],
    ["too long", "x".repeat(256)],
    ["two words", "a b"],
  ])("is refused when it is %s", async (_, key) => {
    const project = await newProject();
    const { status, json } = await project.post("/bots", { name: "Bot" }, keyed(key));
    expect([status, json.message]).toEqual([400, expect.stringContaining("Idempotency-Key")]);
    expect((await project.get("/bots")).json).toEqual([]);
  });

  it("may be up to 255 characters", async () => {
    const project = await newProject();
    expect((await project.post("/bots", { name: "Bot" }, keyed("~!".repeat(127) + "x"))).status).toBe(200);
  });

  it("holds for updates too: a late repetition does not undo what came after it", async () => {
    const [project, key] = [await newProject(), newKey()];
    const { json: bot } = await project.post("/bots", { name: "Bot" });
    const rename = () => project.post(`/bots/${bot.id}`, { name: "First" }, keyed(key));
    const { json: first } = await rename();
    await project.post(`/bots/${bot.id}`, { name: "Second" });
    expect((await rename()).json).toEqual(first);
    expect((await project.get(`/bots/${bot.id}`)).json.name).toBe("Second");
  });

  it("gets one answer for an update, too, when ten ask in the same moment", async () => {
    const [project, key] = [await newProject(), newKey()];
    const { json: bot } = await project.post("/bots", { name: "Bot" });
    const rename = () => project.post(`/bots/${bot.id}`, { name: "First" }, keyed(key));
    const answers = await Promise.all(Array.from({ length: 10 }, rename));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map(({ json }) => JSON.stringify(json))).size).toBe(1);
    expect((await rename()).json).toEqual(answers[0]!.json);
  });

  it("holds for deletions too: a late repetition does not delete what came after it", async () => {
    const [chat, key] = [await newChat(), newKey()];
    const thread = chat.thread("t1");
    const remove = () => chat.project.post(`${thread.path}/delete`, undefined, keyed(key));
    await thread.ask("hi");
    const { json: first } = await remove();
    await thread.ask("hi again");
    expect(await remove()).toMatchObject({ status: 200, json: first });
    expect(await thread.messages()).toHaveLength(2);
  });

  it("means nothing to a request that changes nothing", async () => {
    const [project, key] = [await newProject(), newKey()];
    expect((await project.get("/bots", keyed(key))).json).toEqual([]);
    await project.post("/bots", { name: "Bot" }, keyed(key));
    const { json, headers } = await project.get("/bots", keyed(key));
    expect([json.length, headers.get("idempotent-replayed")]).toEqual([1, null]);
  });
});
