import { describe, expect, it } from "vitest";
import { Store, upload } from "../helpers/knowledge.ts";
import { newProject } from "../helpers/project.ts";

const OPENAI = { "openai-beta": "assistants=v2" };
const SHIPPING = "# Delivery\n\nOrders are sent within one working day.\n\nDelivery abroad takes up to ten days.";
const RETURNS = "# Returns\n\nA book may be returned within 30 days of delivery, unread.";

describe("a vector store", () => {
  it("has the documented shape, and is found, changed, listed and deleted", async () => {
    const project = await newProject();
    const { status, json: store } = await project.post("/vector_stores", { name: "Manuals" });
    expect(status).toBe(200);
    expect(store).toMatchObject({ id: expect.any(String), name: "Manuals", file_count: 0, status: "ready" });
    expect(new Date(store.created_at).toISOString()).toBe(store.created_at);
    expect((await project.get(`/vector_stores/${store.id}`)).json).toEqual(store);
    const { json: renamed } = await project.post(`/vector_stores/${store.id}`, { name: "Books" });
    expect(renamed).toEqual({ ...store, name: "Books" });
    const { json: list } = await project.get("/vector_stores");
    expect(list).toEqual({ object: "list", data: [renamed], first_id: store.id, last_id: store.id, has_more: false });
    const { json: gone } = await project.delete(`/vector_stores/${store.id}`);
    expect(gone).toEqual({ id: store.id, object: "vector_store.deleted", deleted: true });
    expect((await project.get(`/vector_stores/${store.id}`)).status).toBe(404);
    expect((await project.get("/vector_stores")).json.data).toEqual([]);
  });

  it("has OpenAI's shape for who asks for it, and always under /v1", async () => {
    const project = await newProject();
    const { json: store } = await project.post("/v1/vector_stores", {
      metadata: { team: "a" },
      expires_after: { anchor: "last_active_at", days: 7 },
    });
    expect(store).toMatchObject({
      object: "vector_store",
      name: "",
      usage_bytes: 0,
      file_counts: { in_progress: 0, completed: 0, failed: 0, cancelled: 0, total: 0 },
      status: "completed",
      expires_after: { anchor: "last_active_at", days: 7 },
      expires_at: store.created_at + 7 * 24 * 60 * 60,
      last_active_at: store.created_at,
      metadata: { team: "a" },
    });
    expect(Math.abs(store.created_at - Date.now() / 1000)).toBeLessThan(60);
    expect((await project.get(`/vector_stores/${store.id}`, OPENAI)).json).toEqual(store);
    expect((await project.get("/vector_stores", OPENAI)).json.data).toEqual([store]);
    expect((await project.get(`/vector_stores/${store.id}`)).json).not.toHaveProperty("object");
  });

  it("needs a name in the documented shape, and says so", async () => {
    const project = await newProject();
    const { status, json } = await project.post("/vector_stores", {});
    expect([status, json.issues]).toEqual([422, [{ path: "name", message: "must be given" }]]);
  });

  it("is another project's as little as its files are", async () => {
    const [mine, theirs] = [await newProject(), await newProject()];
    const store = await Store.create(mine);
    const file = await store.addAndWait("shipping.md", SHIPPING);
    for (const prefix of ["", "/v1"]) {
      const path = `${prefix}/vector_stores/${store.id}`;
      const calls = [
        theirs.get(path),
        theirs.post(path, { name: "Mine now" }),
        theirs.delete(path),
        theirs.get(`${path}/files`),
        theirs.post(`${path}/files`, { filename: "a.md", content: "a" }),
        theirs.get(`${path}/files/${file}`),
        theirs.post(`${path}/files/${file}`, { attributes: {} }),
        theirs.post(`${path}/files/${file}/retry`, {}),
        theirs.get(`${path}/files/${file}/content`),
        theirs.delete(`${path}/files/${file}`),
        theirs.post(`${path}/search`, { query: "delivery" }),
        theirs.get(`${prefix}/files/${file}`),
        theirs.get(`${prefix}/files/${file}/content`),
        theirs.delete(`${prefix}/files/${file}`),
      ];
      expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(calls.map(() => 404));
    }
    const own = await Store.create(theirs);
    const { status } = await theirs.post(`${own.path}/files`, { file_id: file });
    expect(status).toBe(404);
    expect(await store.finds("delivery abroad")).toEqual(["shipping.md"]);
  });

  it("is listed page by page, in both directions", async () => {
    const project = await newProject();
    const ids: string[] = [];
    for (const name of ["a", "b", "c", "d", "e"]) ids.push((await Store.create(project, { name })).id);
    const page = async (query: string) => (await project.get(`/vector_stores?${query}`)).json;
    const first = await page("limit=2&order=asc");
    expect([first.data.map(({ id }: { id: string }) => id), first.has_more]).toEqual([ids.slice(0, 2), true]);
    const second = await page(`limit=2&order=asc&after=${first.last_id}`);
    expect([second.first_id, second.last_id, second.has_more]).toEqual([ids[2], ids[3], true]);
    expect(await page(`limit=2&order=asc&after=${second.last_id}`)).toMatchObject({
      first_id: ids[4],
      has_more: false,
    });
    expect(await page(`limit=2&order=asc&before=${ids[4]}`)).toMatchObject({ first_id: ids[2], last_id: ids[3] });
    expect(await page("limit=2")).toMatchObject({ first_id: ids[4], last_id: ids[3], has_more: true });
    expect((await project.get("/vector_stores?after=nobody")).status).toBe(422);
  });
});

describe("a file of a vector store", () => {
  it("is pending until a search finds it", async () => {
    const store = await Store.create(await newProject());
    const { json: added } = await store.caller.post(`${store.path}/files`, {
      filename: "shipping.md",
      content: SHIPPING,
    });
    expect(added).toMatchObject({ filename: "shipping.md", status: "pending", bytes: SHIPPING.length, error: null });
    expect((await store.caller.get(store.path)).json).toMatchObject({ status: "indexing", file_count: 1 });
    expect(await store.settled(added.id)).toMatchObject({ ...added, status: "processed" });
    expect((await store.caller.get(store.path)).json).toMatchObject({ status: "ready", file_count: 1 });
    const [hit] = await store.search("How long does a delivery abroad take?");
    expect(hit).toMatchObject({ file_id: added.id, filename: "shipping.md", attributes: {}, headings: ["Delivery"] });
    expect(hit!.content[0]!.text).toContain("up to ten days");
    expect(hit!.score).toBeGreaterThan(0.2);
    expect(hit!.score).toBeLessThanOrEqual(1);
  });

  it("comes as an upload, as a form, or as a text, and under /v1 in OpenAI's shape", async () => {
    const project = await newProject();
    const store = await Store.create(project);
    const uploaded = await upload(project, "returns.md", RETURNS, { purpose: "assistants" });
    expect(uploaded).toMatchObject({
      object: "file",
      filename: "returns.md",
      purpose: "assistants",
      bytes: RETURNS.length,
    });
    const { json: attached } = await project.post(`/v1${store.path}/files`, {
      file_id: uploaded.id,
      attributes: { year: 2024, draft: false },
    });
    expect(attached).toMatchObject({
      id: uploaded.id,
      object: "vector_store.file",
      vector_store_id: store.id,
      status: "in_progress",
      last_error: null,
      attributes: { year: 2024, draft: false },
    });
    const fields = { attributes: JSON.stringify({ year: 2025 }) };
    const formed = await upload(project, "shipping.md", SHIPPING, { path: `${store.path}/files`, ...fields });
    await Promise.all([store.settled(attached.id), store.settled(formed.id)]);
    expect(await store.finds("returned within 30 days")).toEqual(["returns.md", "shipping.md"]);
    expect((await project.get(`/v1${store.path}`)).json).toMatchObject({
      status: "completed",
      file_counts: { completed: 2, total: 2 },
    });
    const content = await project.fetch("GET", `/files/${uploaded.id}/content`);
    expect(content.headers.get("content-disposition")).toMatch(/^attachment/);
    expect(await content.text()).toBe(RETURNS);
  });

  it("is not found any more once it is removed, nor once its file is deleted", async () => {
    const project = await newProject();
    const store = await Store.create(project);
    const first = await store.addAndWait("shipping.md", SHIPPING);
    const file = await upload(project, "returns.md", RETURNS);
    await project.post(`${store.path}/files`, { file_id: file.id });
    await store.settled(file.id);
    const removed = await project.delete(`${store.path}/files/${first}`);
    expect(removed.json).toEqual({ id: first, object: "vector_store.file.deleted", deleted: true });
    expect(await store.finds("delivery abroad")).toEqual(["returns.md"]);
    expect((await project.get(`/files/${first}`)).status).toBe(404);
    await project.delete(`/files/${file.id}`);
    expect(await store.finds("delivery abroad")).toEqual([]);
    expect((await project.get(`${store.path}/files`)).json.data).toEqual([]);
  });

  it("is there once, however often the same content comes under the same name", async () => {
    const store = await Store.create(await newProject());
    const first = await store.addAndWait("shipping.md", SHIPPING);
    expect(await store.add("shipping.md", SHIPPING)).toBe(first);
    expect(await store.add("shipping.md", `${SHIPPING}\n\nNew.`)).not.toBe(first);
  });

  it("says why it cannot be read, and holds up no other", async () => {
    const store = await Store.create(await newProject());
    const poison = await store.add("empty.md", "   \n\n  ");
    const good = await store.add("shipping.md", SHIPPING);
    expect(await store.settled(poison)).toMatchObject({ status: "error", error: expect.stringMatching(/\w+ \w+/) });
    expect(await store.settled(good)).toMatchObject({ status: "processed" });
    const { json } = await store.caller.get(`/v1${store.path}/files/${poison}`);
    expect(json).toMatchObject({ status: "failed", last_error: { code: "invalid_file" } });
    expect((await store.caller.get(`${store.path}/files?filter=failed`)).json.data).toHaveLength(1);
  });

  it("is read again when asked to, and found all the while", async () => {
    const store = await Store.create(await newProject());
    const id = await store.addAndWait("shipping.md", SHIPPING);
    const { json } = await store.caller.post(`${store.path}/files/${id}/retry`, {});
    expect(json.status).toBe("pending");
    expect(await store.finds("delivery abroad")).toEqual(["shipping.md"]);
    expect(await store.settled(id)).toMatchObject({ status: "processed" });
    expect(await store.finds("delivery abroad")).toEqual(["shipping.md"]);
  });

  it("is refused where it is nothing of the kind", async () => {
    const store = await Store.create(await newProject());
    const bodies = [{}, { filename: "a.md" }, { content: "a" }, { filename: 1, content: "a" }, { file_id: 7 }, []];
    for (const body of bodies) expect((await store.caller.post(`${store.path}/files`, body)).status).toBe(422);
    expect((await store.caller.post("/files", { purpose: "assistants" })).status).toBe(415);
    expect((await store.caller.post(`${store.path}/files`, { file_id: "nobody" })).status).toBe(404);
  });
});
