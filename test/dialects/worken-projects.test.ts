import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { sha256 } from "../../src/lib/hash.ts";
import { Caller, newChat, newProject, root, ROOT_KEY } from "../helpers/project.ts";

const ONE_A_SECOND = { requests_per_minute: 60 };

describe("projects", () => {
  it("are created by the administrator", async () => {
    const { status, json } = await root.post("/projects", { name: "Shop", organization_id: "acme" });
    expect(status).toBe(200);
    expect(json).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: "Shop",
      organization_id: "acme",
      avatar_url: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
  });

  it("are all listed for the administrator, and only its own for a key", async () => {
    const [mine, theirs] = [await newProject(), await newProject()];
    const ids = ({ json }: { json: { id: string }[] }) => json.map(({ id }) => id);
    expect(ids(await root.get("/projects"))).toEqual(expect.arrayContaining([mine.id, theirs.id]));
    expect(ids(await mine.get("/projects"))).toEqual([mine.id]);
  });

  it.each([
    { field: "name", body: { organization_id: "acme" } },
    { field: "name", body: { name: " ", organization_id: "acme" } },
    { field: "organization_id", body: { name: "Shop" } },
    { field: "avatar_url", body: { name: "Shop", organization_id: "acme", avatar_url: "no url" } },
  ])("are refused with $body, and the answer names $field", async ({ field, body }) => {
    const { status, json } = await root.post("/projects", body);
    expect(status).toBe(422);
    expect(json.issues[0].path).toBe(field);
  });

  it("cannot be created with a project's key", async () => {
    const project = await newProject();
    const { status } = await project.post("/projects", { name: "Another", organization_id: "acme" });
    expect(status).toBe(403);
    expect((await project.get("/projects")).json).toHaveLength(1);
  });
});

describe("an API key", () => {
  it("is `sk-` and 72 hex digits, the last eight of which check the others", async () => {
    const { key } = await newProject();
    const [, random, checksum] = /^sk-([0-9a-f]{64})([0-9a-f]{8})$/.exec(key)!;
    expect((await sha256(random!)).startsWith(checksum!)).toBe(true);
  });

  it("is shown in the answer that creates it and never again", async () => {
    const project = await newProject();
    const { json: created } = await project.post(`/projects/${project.id}/api-keys`, { name: "CI" });
    expect(Object.keys(created).toSorted()).toEqual(["created_at", "id", "key", "name"]);
    const { json: keys } = await project.get(`/projects/${project.id}/api-keys`);
    expect(keys[1]).toEqual({ id: created.id, name: "CI", last_used_at: null, created_at: created.created_at });
    expect(JSON.stringify(keys)).not.toContain("sk-");
  });

  it("lies in the database as a hash only", async () => {
    const { id, key } = await newProject();
    const { results } = await env.DB.prepare("select * from api_keys where project_id = ?").bind(id).all();
    expect(results).toMatchObject([{ hash: await sha256(key) }]);
    expect(JSON.stringify(results)).not.toContain(key.slice(3));
  });

  it("works beside the others of its project until it is deleted, and then fails at once", async () => {
    const project = await newProject();
    const { json: created } = await project.post(`/projects/${project.id}/api-keys`, { name: "New" });
    const second = new Caller(created.key);
    expect((await second.get("/bots")).status).toBe(200);
    const { status, json } = await project.delete(`/projects/${project.id}/api-keys/${created.id}`);
    expect([status, json]).toEqual([200, { id: created.id, deleted: true }]);
    expect((await second.get("/bots")).status).toBe(401);
    expect((await project.get("/bots")).status).toBe(200);
    expect((await project.delete(`/projects/${project.id}/api-keys/${created.id}`)).status).toBe(404);
  });

  it("stops talking to its chats the moment it is deleted, too", async () => {
    const { project, thread } = await newChat().then((chat) => ({ project: chat.project, thread: chat.thread() }));
    await thread.ask("hi");
    const [key] = (await project.get(`/projects/${project.id}/api-keys`)).json;
    await root.delete(`/projects/${project.id}/api-keys/${key.id}`);
    expect((await thread.stream("hi again")).status).toBe(401);
  });

  it("tells when it was last used", async () => {
    const project = await newProject();
    const { json: created } = await root.post(`/projects/${project.id}/api-keys`, { name: "Unused" });
    const used = async () =>
      (await root.get(`/projects/${project.id}/api-keys`)).json.find(({ id }: { id: string }) => id === created.id)
        .last_used_at;
    expect(await used()).toBeNull();
    const before = Date.now();
    await new Caller(created.key).get("/bots");
    await vi.waitFor(async () => expect(await used()).not.toBeNull());
    const at = Date.parse(await used());
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(Date.now());
  });

  it("manages the keys of its own project only; another is as if it did not exist", async () => {
    const [mine, theirs] = [await newProject(), await newProject()];
    const [key] = (await theirs.get(`/projects/${theirs.id}/api-keys`)).json;
    expect((await mine.get(`/projects/${theirs.id}/api-keys`)).status).toBe(404);
    expect((await mine.post(`/projects/${theirs.id}/api-keys`, { name: "Mine" })).status).toBe(404);
    expect((await mine.delete(`/projects/${theirs.id}/api-keys/${key.id}`)).status).toBe(404);
    expect((await mine.delete(`/projects/${mine.id}/api-keys/${key.id}`)).status).toBe(404);
    expect((await theirs.get(`/projects/${theirs.id}/api-keys`)).json).toHaveLength(1);
  });

  it("that was in use serves on while the database does not answer; a new and a deleted one do not", async () => {
    const [used, unused, deleted] = [await newProject(), await newProject(), await newProject()];
    for (const caller of [used, deleted]) expect((await caller.get("/bots")).status).toBe(200);
    const [key] = (await root.get(`/projects/${deleted.id}/api-keys`)).json;
    await root.delete(`/projects/${deleted.id}/api-keys/${key.id}`);
    const outage = vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1 is away"));
    try {
      expect((await used.get("/bots")).status).toBe(200);
      for (const caller of [unused, deleted]) {
        const { status, headers, json } = await caller.get("/bots");
        expect([status, json.error]).toEqual([503, "Service Unavailable"]);
        expect(headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
      }
    } finally {
      outage.mockRestore();
    }
    expect([(await unused.get("/bots")).status, (await deleted.get("/bots")).status]).toEqual([200, 401]);
  });

  it("is listed page by page", async () => {
    const project = await newProject();
    for (const name of ["A", "B", "C"]) await project.post(`/projects/${project.id}/api-keys`, { name });
    const names: string[] = [];
    let next: string | undefined = `/projects/${project.id}/api-keys?limit=3`;
    const pages: number[] = [];
    while (next && pages.length < 5) {
      const { json, headers } = await project.get(next);
      pages.push(json.length);
      names.push(...json.map(({ name }: { name: string }) => name));
      next = /^<(.*)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
    }
    expect([pages, names]).toEqual([
      [3, 1],
      ["Test", "A", "B", "C"],
    ]);
  });

  it("needs a name, and a project that exists", async () => {
    const project = await newProject();
    const { status, json } = await project.post(`/projects/${project.id}/api-keys`, { name: "" });
    expect([status, json.issues[0].path]).toEqual([422, "name"]);
    expect((await root.post(`/projects/${crypto.randomUUID()}/api-keys`, { name: "CI" })).status).toBe(404);
  });

  it.each([
    { title: "none", authorization: "" },
    { title: "an empty one", authorization: "Bearer " },
    { title: "another scheme", authorization: `Basic ${btoa("user:password")}` },
    { title: "no `sk-` before it", authorization: `Bearer ${"0".repeat(72)}` },
    { title: "a wrong one", authorization: `Bearer sk-${"0".repeat(72)}` },
    { title: "a half one", authorization: `Bearer ${ROOT_KEY.slice(0, -1)}` },
  ])("is asked for: $title is 401", async ({ authorization }) => {
    const { status, json } = await root.call("GET", "/projects", undefined, { authorization });
    expect([status, json.statusCode]).toEqual([401, 401]);
  });

  it("of the administrator opens no tenant's resources", async () => {
    for (const path of ["/bots", "/integrations", "/chats", "/threads", "/threads/events"]) {
      expect((await root.get(path)).status).toBe(403);
    }
  });
});

describe("a limit of requests per minute", () => {
  const limit = (project: { id: string }, requests_per_minute: unknown) =>
    root.post(`/projects/${project.id}/limits`, { requests_per_minute });

  it("holds from the next request on, says how long to wait, and can be lifted", async () => {
    const project = await newProject();
    expect((await project.get("/bots")).status).toBe(200);
    expect((await limit(project, 2)).json).toMatchObject({ id: project.id, requests_per_minute: 2 });
    const statuses = [(await project.get("/bots")).status, (await project.get("/chats")).status];
    expect(statuses).toEqual([200, 200]);
    const { status, headers, json } = await project.get("/bots");
    expect([status, json.error]).toEqual([429, "Too Many Requests"]);
    expect(headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    expect(Number(headers.get("retry-after"))).toBeLessThanOrEqual(60);
    expect((await limit(project, null)).json.requests_per_minute).toBeNull();
    expect((await project.get("/bots")).status).toBe(200);
  });

  it("counts all keys of a project together, and no other project's", async () => {
    const [mine, theirs] = [await newProject(), await newProject()];
    const { json: created } = await mine.post(`/projects/${mine.id}/api-keys`, { name: "Second" });
    await limit(mine, 1);
    expect((await mine.get("/bots")).status).toBe(200);
    expect((await new Caller(created.key).get("/bots")).status).toBe(429);
    expect((await theirs.get("/bots")).status).toBe(200);
  });

  it("lets through exactly as many of a burst as it says", async () => {
    const project = await newProject();
    await limit(project, 5);
    const statuses = await Promise.all(Array.from({ length: 12 }, async () => (await project.get("/bots")).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
    expect(statuses.filter((status) => status === 429)).toHaveLength(7);
  });

  it("is the administrator's to set, not the project's own", async () => {
    const project = await newProject();
    expect((await project.post(`/projects/${project.id}/limits`, ONE_A_SECOND)).status).toBe(403);
    expect((await limit({ id: crypto.randomUUID() }, 60)).status).toBe(404);
  });

  it.each([0, -1, 1.5, "60", undefined, true])("cannot be %j", async (requests) => {
    const { status, json } = await limit(await newProject(), requests);
    expect([status, json.issues[0].path]).toEqual([422, "requests_per_minute"]);
  });
});
