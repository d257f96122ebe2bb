import { beforeAll, describe, expect, it } from "vitest";
import { worken } from "../../src/dialects/worken/index.ts";
import { Caller, newChat, newProject, root, type Answer, type Chat } from "../helpers/project.ts";
import { callsTool, FakeModel } from "../helpers/upstream.ts";

const REASONS: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Payload Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Entity",
};

const UI_MESSAGE = { id: "m1", role: "user", parts: [{ type: "text", text: "hi" }] };

/** A body that each route accepts, with every field that it knows at its first level. A new route needs its own here. */
const BODIES: Record<string, Record<string, unknown>> = {
  "POST /projects": { name: "Project", organization_id: "tests", avatar_url: "https://example.com/a.png" },
  "POST /projects/:id/limits": { requests_per_minute: 1000 },
  "POST /projects/:id/api-keys": { name: "Key" },
  "POST /bots": { name: "Bot", description: "Sells" },
  "POST /bots/:bot_id": { name: "Bot", description: "Sells" },
  "POST /bots/:bot_id/status": { status: "disabled" },
  "POST /bots/:bot_id/settings": { ai: { instruction: "Sell." } },
  "POST /integrations": { name: "Channel", vendor: "worken", auth_data: {}, settings: {} },
  "POST /integrations/:id": { name: "Channel", status: "disabled", auth_data: {}, settings: {} },
  "POST /integrations/:id/chats": { bot_id: "none", name: "Chat", settings: {} },
  "POST /integrations/:id/chats/:chat_id": { bot_id: "none", name: "Chat", settings: {} },
  "POST /integrations/:id/chats/:chat_id/status": { status: "disabled" },
  "POST /chats/:chat_id/threads": { id: "t1", messages: [UI_MESSAGE] },
  "POST /chats/:chat_id/threads/:thread_id/stream": { messages: [{ role: "user", content: "hi" }] },
  "POST /chats/:chat_id/threads/:thread_id/mode": { mode: "manual" },
  "POST /threads/:thread_id/send": { text: "hi", scheduledAt: "2020-01-01T00:00:00Z" },
  "POST /threads/:thread_id/schedules": {
    task: "Ask again.",
    scheduledAt: "2020-01-01T00:00:00Z",
    cancel_if_reply: true,
  },
  "PATCH /schedules/:schedule_id": {
    text: "hi",
    scheduledAt: "2020-01-01T00:00:00Z",
    missed: "skip",
    status: "paused",
  },
  "POST /threads/:thread_id/approvals/:approval_id": { approved: true, reason: "fine" },
  "POST /threads/events/tickets": { thread_id: "t1" },
};

const rows = worken.api.routes.map(({ method, path, spec }) => {
  const title = `${method.toUpperCase()} ${path}`;
  return { title, method: method.toUpperCase(), path, spec, body: BODIES[title] };
});
type Row = (typeof rows)[number];
/** For `each`: the routes with their titles. */
const those = (isMeant: (row: Row) => unknown) => rows.filter(isMeant).map((row): [string, Row] => [row.title, row]);

/** Of another project: all that a path can name. */
let theirs: Chat;
let foreign: Record<string, string>;
/** The caller of the tests. */
let project: Caller & { id: string };

beforeAll(async () => {
  project = await newProject();
  theirs = await newChat(new FakeModel(callsTool("handoff_to_operator", { reason: "r" })), {
    tools: { handoff_to_operator: "operator_approve" },
  });
  await theirs.thread("theirs").ask("a human, please");
  const [key] = (await theirs.project.get(`/projects/${theirs.project.id}/api-keys`)).json;
  const { data: approvals } = (await theirs.project.get("/threads/theirs/approvals")).json;
  const scheduledAt = new Date(Date.now() + 3_600_000).toISOString();
  const { json: schedule } = await theirs.project.post("/threads/theirs/schedules", {
    task: "Ask again.",
    scheduledAt,
  });
  foreign = {
    key_id: key.id,
    bot_id: theirs.botId,
    chat_id: theirs.id,
    thread_id: "theirs",
    approval_id: approvals[0].id,
    schedule_id: schedule.id,
    any: "x",
  };
});

const foreignPath = (path: string) =>
  path
    .replace(":id", path.startsWith("/projects") ? theirs.project.id : theirs.integrationId)
    .replace(/:(\w+)/g, (_, name: string) => foreign[name] ?? `no foreign ${name}`);

/** A path of the route on which the caller has the right to speak. */
const ownPath = (path: string) =>
  path.replace(":id", path.startsWith("/projects") ? project.id : "none").replace(/:\w+/g, "none");

const callerOf = ({ spec }: Row) => (spec.access === "root" ? root : project);

/** The status of an error that looks as documented; anything else as it is. */
function errorOf({ status, json, headers }: Answer): unknown {
  const { error, message, statusCode, issues = [], request_id, ...others } = json;
  const isDocumented =
    error === REASONS[status] &&
    /\S/.test(message) &&
    statusCode === status &&
    Array.isArray(issues) &&
    request_id === headers.get("x-request-id") &&
    Object.keys(others).length === 0;
  return isDocumented ? status : { status, json };
}

const call = (caller: Caller, { method, path, body }: Row, of: (path: string) => string = ownPath) =>
  caller.call(method, of(path), body);

describe("every route", () => {
  it.each(those(() => true))("asks for a key: %s", async (_, row) => {
    for (const key of ["", "garbage", `sk-${"f".repeat(72)}`])
      expect(errorOf(await call(new Caller(key), row))).toBe(401);
  });

  it.each(those(({ path }) => path.includes("/:")))("hides what is another project's: %s", async (_, row) => {
    expect(errorOf(await call(project, row, foreignPath))).toBe(row.spec.access === "root" ? 403 : 404);
  });

  it("leaves another project as it was, whatever was tried", async () => {
    for (const [, row] of those(({ path }) => path.includes("/:"))) await call(project, row, foreignPath);
    const { project: owner, botId, integrationId, id } = theirs;
    expect((await owner.get(`/bots/${botId}`)).json).toMatchObject({
      name: "Bot",
      status: "active",
      description: null,
    });
    expect((await owner.get(`/integrations/${integrationId}`)).json).toMatchObject({ name: "Web", status: "active" });
    expect((await owner.get(`/chats/${id}`)).json).toMatchObject({ name: "Web", status: "active", bot_id: botId });
    expect((await owner.get("/threads/theirs")).json).toMatchObject({ mode: "auto", stats: { messages_total: 2 } });
    expect((await owner.get("/threads/theirs/approvals")).json.data).toMatchObject([{ status: "pending" }]);
    expect((await owner.get("/schedules")).json.data).toMatchObject([{ text: "Ask again.", status: "pending" }]);
    expect((await owner.get(`/projects/${owner.id}/api-keys`)).json).toHaveLength(1);
  });

  it.each(those(({ spec }) => spec.access === "root"))("of the administrator is his alone: %s", async (_, row) => {
    expect(errorOf(await call(project, row))).toBe(403);
  });

  it.each(those(({ spec }) => !["root", "either"].includes(spec.access ?? "project")))(
    "of a project is not the administrator's: %s",
    async (_, row) => expect(errorOf(await call(root, row))).toBe(403),
  );

  it.each(those(({ spec }) => spec.query?.safeParse({ limit: "many" }).success === false))(
    "with pages refuses a limit that is no number: %s",
    async (_, { path }) => {
      const answer = await project.get(`${ownPath(path)}?limit=many`);
      expect(errorOf(answer)).toBe(422);
      expect(answer.json.issues[0].path).toBe("limit");
    },
  );
});

describe("every body", () => {
  const writing = those(({ spec }) => spec.json);
  const send = (row: Row, body: unknown, headers?: Record<string, string>) =>
    callerOf(row).call(row.method, ownPath(row.path), body, headers);

  it.each(writing)("is asked for after the key: %s", async (_, { method, path }) => {
    expect(errorOf(await new Caller("").call(method, ownPath(path), "{not json"))).toBe(401);
  });

  it.each(writing)("is refused where it is no JSON, or missing: %s", async (_, row) => {
    for (const body of ["{not json", "{'name': 1}", '{"a":1}}', "", " \n", undefined]) {
      expect(errorOf(await send(row, body))).toBe(400);
    }
  });

  it.each(writing)("is refused where it is JSON of another type: %s", async (_, row) => {
    for (const body of ["[]", "null", "5", '"text"', "true", "[[]]"]) expect(errorOf(await send(row, body))).toBe(422);
  });

  it.each(writing)("is refused where a field has a wrong type, and the answer names it: %s", async (_, row) => {
    expect(Object.keys(BODIES)).toContain(row.title);
    for (const field of Object.keys(row.body!)) {
      const answer = await send(row, { ...row.body, [field]: [[]] });
      expect(errorOf(answer)).toBe(422);
      expect(answer.json.issues[0].path.split(".")[0]).toBe(field);
    }
  });

  it.each(writing)("is refused where it is too large: %s", async (_, row) => {
    expect(errorOf(await send(row, `{"name":"${"x".repeat(1_000_000)}"}`))).toBe(413);
  });

  it.each(writing)("is refused where it is nested too deeply: %s", async (_, row) => {
    expect(errorOf(await send(row, `{"a":`.repeat(100) + "1" + "}".repeat(100)))).toBe(400);
    expect(errorOf(await send(row, "[".repeat(100) + "]".repeat(100)))).toBe(400);
  });

  it.each(writing)("is refused where it is a form with files: %s", async (_, row) => {
    expect(errorOf(await send(row, "--x--", { "content-type": "multipart/form-data; boundary=x" }))).toBe(415);
  });
});
