import { describe, expect, it } from "vitest";
import { newChat, newProject, root, type Caller } from "../helpers/project.ts";
import { ignoreEarlierObjects, takeSnapshot } from "../helpers/snapshot.ts";

const settings = (length: number, key = "note") => ({ settings: { [key]: "ü".repeat(length / 2) } });

/** Patches a thing's settings until it refuses; answers how often it did not. */
async function fill(project: Caller, path: string): Promise<number> {
  for (let count = 0; count < 10; count += 1) {
    const { status, json } = await project.post(path, settings(30_000, `note${count}`));
    if (status === 200) continue;
    expect([status, json.issues[0].path]).toEqual([422, "settings"]);
    return count;
  }
  throw new Error("grows for ever");
}

describe("settings", () => {
  it("of a chat and of an integration do not grow without end, patch by patch", async () => {
    const { project, integrationId, id } = await newChat();
    expect(await fill(project, `/integrations/${integrationId}`)).toBe(2);
    expect(await fill(project, `/integrations/${integrationId}/chats/${id}`)).toBe(2);
    expect((await project.post(`/integrations/${integrationId}`, { name: "Still", settings: {} })).status).toBe(200);
    const shorter = { settings: { note0: null } };
    expect((await project.post(`/integrations/${integrationId}`, shorter)).status).toBe(200);
  });

  it("are refused when they are too large from the beginning, and nothing is made", async () => {
    const { project, integrationId, botId } = await newChat();
    const before = await takeSnapshot();
    const integration = { name: "Web", vendor: "worken", auth_data: {}, ...settings(70_000) };
    const chat = { name: "Large", bot_id: botId, ...settings(70_000) };
    const answers = [
      await project.post("/integrations", integration),
      await project.post("/integrations", { ...integration, settings: {}, auth_data: settings(70_000) }),
      await project.post(`/integrations/${integrationId}`, { auth_data: settings(70_000) }),
      await project.post(`/integrations/${integrationId}/chats`, chat),
    ];
    expect(answers.map(({ status }) => status)).toEqual([422, 422, 422, 422]);
    expect(await takeSnapshot()).toEqual(before);
  });
});

describe("what is stored", () => {
  it("holds no half of a character, whoever wrote it how", async () => {
    const project = await newProject();
    const { json } = await project.post(
      "/bots",
      '{"name":"a\\ud83d\\ude00 \\ud83dz \\uDe00","description":"\\\\ud800"}',
    );
    expect([json.name, json.description]).toEqual(["a😀 \ufffdz \ufffd", "\\ud800"]);
    expect((await project.get(`/bots/${json.id}`)).json).toEqual(json);
  });

  it("is nothing when an unknown thread is to answer anew", async () => {
    const { project, id } = await newChat();
    await ignoreEarlierObjects();
    const before = await takeSnapshot();
    const messages = [{ role: "user", parts: [{ type: "text", text: "hi" }] }];
    const path = `/chats/${id}/threads/none/stream`;
    expect((await project.post(path, { messages, trigger: "regenerate-message" })).status).toBe(409);
    expect(await takeSnapshot()).toEqual(before);
  });
});

describe("an error", () => {
  it("stays small, however much is wrong", async () => {
    const { project, id } = await newChat();
    const messages = Array.from({ length: 100 }, () => ({ role: "x".repeat(5000), content: 1 }));
    const response = await project.post(`/chats/${id}/threads/t/stream`, { messages });
    expect([response.status, response.json.issues.length]).toEqual([422, 20]);
    const long = await root.get(`/${"x".repeat(50_000)}`);
    expect([long.status, long.json.message.length < 300]).toEqual([404, true]);
  });

  it("comes at once for text that is hard to read", async () => {
    const project = await newProject();
    const begun = performance.now();
    for (const hard of [
      `"${'\\"'.repeat(490_000)}`,
      '"'.repeat(999_999),
      `${"[".repeat(60)}"${"\\".repeat(900_001)}`,
    ]) {
      expect((await project.post("/bots", hard)).status).toBe(400);
    }
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});
