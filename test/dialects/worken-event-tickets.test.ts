import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { Caller, newChat, newProject } from "../helpers/project.ts";
import { SseReader } from "../helpers/sse.ts";

const stranger = new Caller("");

/** Connects without a key, and closes again. */
async function connect(path: string, lastEventId?: string): Promise<number> {
  const headers: Record<string, string> = lastEventId ? { "last-event-id": lastEventId } : {};
  const response = await stranger.fetch("GET", path, undefined, headers);
  await response.body?.cancel();
  return response.status;
}

/** What a listener without a key is told next, while something happens. */
async function toldOf(path: string, happens: () => Promise<unknown>) {
  const response = await stranger.fetch("GET", path);
  expect(response.status).toBe(200);
  const reader = new SseReader(response);
  await happens();
  const event = await reader.json();
  await reader.cancel();
  return event;
}

const ticketOf = async (caller: Caller, body: object = {}): Promise<string> =>
  (await caller.post("/threads/events/tickets", body)).json.ticket;

/** Makes all tickets of a project older. */
const ageTickets = (project: { id: string }, column: "issued_at" | "used_at", ms: number) =>
  runInDurableObject(env.FEEDS.get(env.FEEDS.idFromName(project.id)), (_, { storage }) => {
    storage.sql.exec(`update tickets set ${column} = ${column} - ?`, ms);
  });

describe("a ticket", () => {
  it("needs no body to be asked for", async () => {
    const { status, json } = await (await newProject()).post("/threads/events/tickets");
    expect([status, json.ticket]).toEqual([200, expect.any(String)]);
  });

  it("opens a project's live events for one minute", async () => {
    const chat = await newChat();
    const before = Date.now();
    const { status, json } = await chat.project.post("/threads/events/tickets", {});
    expect([status, Object.keys(json)]).toEqual([200, ["ticket", "expires_at"]]);
    expect(Date.parse(json.expires_at)).toBeGreaterThanOrEqual(before + 60_000);
    expect(Date.parse(json.expires_at)).toBeLessThanOrEqual(Date.now() + 60_000);
    const event = await toldOf(`/threads/events?ticket=${json.ticket}`, () => chat.thread("t1").ask("hi"));
    expect(event).toMatchObject({ thread_id: "t1", type: "message_created" });
  });

  it("is too late after a minute", async () => {
    const project = await newProject();
    const path = `/threads/events?ticket=${await ticketOf(project)}`;
    await ageTickets(project, "issued_at", 61_000);
    expect([await connect(path), await connect(path, "0.0")]).toEqual([401, 401]);
  });

  it("is good for one listener, who may come back for an hour", async () => {
    const project = await newProject();
    const path = `/threads/events?ticket=${await ticketOf(project)}`;
    expect(await connect(path)).toBe(200);
    expect(await connect(path)).toBe(401);
    expect(await connect(path, "0.0")).toBe(200);
    await ageTickets(project, "used_at", 59 * 60_000);
    expect(await connect(path, "0.0")).toBe(200);
    await ageTickets(project, "used_at", 2 * 60_000);
    expect(await connect(path, "0.0")).toBe(401);
  });

  it("is taken by one of ten who come in the same moment", async () => {
    const path = `/threads/events?ticket=${await ticketOf(await newProject())}`;
    const statuses = await Promise.all(Array.from({ length: 10 }, () => connect(path)));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 401)).toHaveLength(9);
  });

  it("for one thread opens that thread only, and one for the project opens no single thread", async () => {
    const chat = await newChat();
    const [a, b] = [chat.thread("a"), chat.thread("b")];
    await a.ask("hi");
    await b.ask("hi");
    const narrow = await ticketOf(chat.project, { thread_id: "a" });
    expect(await connect(`/threads/events?ticket=${narrow}`)).toBe(401);
    expect(await connect(`/threads/events/b?ticket=${narrow}`)).toBe(401);
    expect(await connect(`/threads/events/a?ticket=${await ticketOf(chat.project)}`)).toBe(401);
    const event = await toldOf(`/threads/events/a?ticket=${narrow}`, () => a.setMode("manual"));
    expect(event).toEqual({ thread_id: "a", type: "mode_changed", mode: "manual" });
  });

  it("is not given for a thread that the project does not have", async () => {
    const [mine, theirs] = [await newProject(), await newChat()];
    await theirs.thread("t1").ask("hi");
    expect((await mine.post("/threads/events/tickets", { thread_id: "t1" })).status).toBe(404);
    const { status, json } = await mine.post("/threads/events/tickets", { thread_id: "a b" });
    expect([status, json.issues[0].path]).toEqual([422, "thread_id"]);
  });

  it("cannot be made up, nor turned to another project", async () => {
    const [mine, theirs] = [await newProject(), await newProject()];
    const [, secret] = (await ticketOf(mine)).split(".");
    const forged = [`${theirs.id}.${secret}`, `${mine.id}.${"0".repeat(48)}`, `${mine.id}.`, mine.id, "x", ""];
    const statuses = await Promise.all(forged.map((ticket) => connect(`/threads/events?ticket=${ticket}`)));
    expect(statuses).toEqual(forged.map(() => 401));
  });

  it("opens nothing but live events", async () => {
    const project = await newProject();
    const ticket = await ticketOf(project);
    expect((await stranger.get(`/threads?ticket=${ticket}`)).status).toBe(401);
    expect((await new Caller(ticket).get("/threads")).status).toBe(401);
  });

  it("is forgotten once it opens nothing any more", async () => {
    const project = await newProject();
    const count = () =>
      runInDurableObject(
        env.FEEDS.get(env.FEEDS.idFromName(project.id)),
        (_, { storage }) => storage.sql.exec("select count(*) as count from tickets").one()["count"],
      );
    await ticketOf(project);
    await ageTickets(project, "issued_at", 60 * 60_000);
    await ticketOf(project);
    expect(await count()).toBe(2);
    await ageTickets(project, "issued_at", 61_000);
    await ticketOf(project);
    expect(await count()).toBe(2);
  });

  it("lies in the object as a hash only", async () => {
    const project = await newProject();
    const ticket = await ticketOf(project);
    const rows = await runInDurableObject(env.FEEDS.get(env.FEEDS.idFromName(project.id)), (_, { storage }) =>
      storage.sql.exec("select * from tickets").toArray(),
    );
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(ticket.split(".")[1]);
  });
});

describe("an API key in the query", () => {
  it("opens live events, where a browser cannot send headers", async () => {
    const chat = await newChat();
    await chat.thread("t1").ask("hi");
    for (const path of ["/threads/events", "/threads/events/t1"]) {
      const event = await toldOf(`${path}?api_key=${chat.project.key}`, () => chat.thread("t1").ask("again"));
      expect(event).toMatchObject({ thread_id: "t1", type: "message_created", role: "user" });
      expect((await stranger.get(`${path}?api_key=sk-${"0".repeat(72)}`)).status).toBe(401);
    }
  });

  it("opens nothing else", async () => {
    const chat = await newChat();
    await chat.thread("t1").ask("hi");
    for (const path of ["/bots", "/chats", "/threads", "/threads/t1", `${chat.thread("t1").path}/messages`]) {
      expect((await stranger.get(`${path}?api_key=${chat.project.key}`)).status).toBe(401);
    }
    expect((await stranger.post(`/threads/events/tickets?api_key=${chat.project.key}`, {})).status).toBe(401);
  });
});
