import { describe, expect, it } from "vitest";
import { Caller, newChat, newProject, root, type Answer } from "../helpers/project.ts";

/** What every error says, beside its message. `test/abuse` asks every route for every one of them. */
const CASES: [status: number, error: string, ask: () => Promise<Answer>][] = [
  [400, "Bad Request", async () => (await newProject()).post("/bots", "{")],
  [401, "Unauthorized", () => new Caller("").get("/bots")],
  [403, "Forbidden", () => root.get("/bots")],
  [404, "Not Found", async () => (await newProject()).get("/bots/none")],
  [405, "Method Not Allowed", () => root.call("PUT", "/bots")],
  [409, "Conflict", async () => twin(await newChat())],
  [413, "Payload Too Large", async () => (await newProject()).post("/bots", " ".repeat(1_000_001))],
  [415, "Unsupported Media Type", async () => (await newProject()).post("/bots", "{}", { "content-type": "a/b" })],
  [422, "Unprocessable Entity", async () => (await newProject()).post("/bots", {})],
];

const twin = ({ project, integrationId, botId }: Awaited<ReturnType<typeof newChat>>) =>
  project.post(`/integrations/${integrationId}/chats`, { bot_id: botId, name: "Web" });

/** What is said about a field of a bot's settings, or of a bot, that is not as it should be. */
const COMPLAINTS: [path: string, body: object, message: string][] = [
  ["/bots", {}, "name: must be given"],
  ["/bots", { name: "" }, "name: must not be empty"],
  ["/bots", { name: "x".repeat(201) }, "name: must have at most 200 characters"],
  ["/bots", { name: 5 }, "name: must be a string"],
  ["/status", { status: "asleep" }, 'status: must be one of "active", "disabled", "error"'],
  ["/settings", { ai: { model: { temperature: 3 } } }, "ai.model.temperature: must be at most 2"],
  ["/settings", { ai: { model: { max_tokens: 0 } } }, "ai.model.max_tokens: must be at least 1"],
  ["/settings", { ai: { model: { max_tokens: 1.5 } } }, "ai.model.max_tokens: must be a whole number"],
  ["/settings", { ai: { formatting: { removeEmojis: "no" } } }, "ai.formatting.removeEmojis: must be true or false"],
  ["/settings", { ai: { vector_store_ids: "all" } }, "ai.vector_store_ids: must be a list"],
];

describe("an error", () => {
  it.each(COMPLAINTS)("says what is wrong in plain words: %s %j", async (path, body, message) => {
    const { project, botId } = await newChat();
    const { status, json } = await project.post(path === "/bots" ? path : `/bots/${botId}${path}`, body);
    expect([status, json.message]).toEqual([422, message]);
  });

  it.each(CASES)("of status %s says %s", async (status, error, ask) => {
    const { json, headers, ...answer } = await ask();
    const { issues = [], ...said } = json;
    expect(answer.status).toBe(status);
    expect(said).toEqual({
      error,
      message: expect.stringMatching(/\S/),
      statusCode: status,
      request_id: headers.get("x-request-id"),
    });
    expect(issues.map(({ path }: { path: string }) => path)).toEqual(status === 422 ? ["name"] : []);
  });

  it("names each field that is wrong, and the first of them in its message", async () => {
    const { project, id } = await newChat();
    const body = {
      messages: [
        { role: "user", content: "hi" },
        { role: "user", content: 5 },
      ],
      scheduledAt: "soon",
    };
    const { json } = await project.post(`/chats/${id}/threads/t/stream`, body);
    expect(json.issues.map(({ path }: { path: string }) => path)).toEqual(["messages.1.content", "scheduledAt"]);
    expect(json.message).toContain("messages.1.content");
  });
});
