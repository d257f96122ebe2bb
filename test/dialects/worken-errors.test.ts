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

describe("an error", () => {
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
