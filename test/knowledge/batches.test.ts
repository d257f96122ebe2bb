import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { Store, upload } from "../helpers/knowledge.ts";
import { newProject } from "../helpers/project.ts";
import { FakeModel } from "../helpers/upstream.ts";

const OPENAI = { "openai-beta": "assistants=v2" };
const NONE = { in_progress: 0, completed: 0, failed: 0, cancelled: 0 };

/** A store and some uploaded texts, which are not in it yet. */
async function storeAndFiles(...texts: string[]) {
  const project = await newProject();
  const store = await Store.create(project);
  const files: string[] = [];
  for (const [index, text] of texts.entries()) files.push((await upload(project, `${index}.md`, text)).id);
  return { project, store, files, path: `${store.path}/file_batches` };
}

const settled = (store: Store, id: string) =>
  eventually(async () => {
    const { json } = await store.caller.get(`${store.path}/file_batches/${id}`);
    expect(json.status).not.toBe("in_progress");
    return json;
  });

describe("a batch of files", () => {
  it("is in progress until all of its files are processed, and lists them", async () => {
    const { project, store, files, path } = await storeAndFiles("The blue house.", "The red house.");
    const { status, json: batch } = await project.post(path, { file_ids: files });
    expect(status).toBe(200);
    expect(batch).toEqual({
      id: expect.any(String),
      vector_store_id: store.id,
      status: "in_progress",
      file_counts: { ...NONE, in_progress: 2, total: 2 },
      created_at: expect.stringMatching(/Z$/),
    });
    const done = await settled(store, batch.id);
    expect(done).toEqual({ ...batch, status: "completed", file_counts: { ...NONE, completed: 2, total: 2 } });
    const { json: openAi } = await project.get(`/v1${path}/${batch.id}`);
    expect(openAi).toEqual({
      ...done,
      object: "vector_store.files_batch",
      created_at: Math.floor(Date.parse(batch.created_at) / 1000),
    });
    expect((await project.get(`${path}/${batch.id}`, OPENAI)).json).toEqual(openAi);
    const { json: first } = await project.get(`${path}/${batch.id}/files?limit=1&order=asc`);
    expect([first.data[0].id, first.data[0].status, first.has_more]).toEqual([files[0], "processed", true]);
    const { json: second } = await project.get(`${path}/${batch.id}/files?limit=1&order=asc&after=${files[0]}`, OPENAI);
    expect(second).toMatchObject({ data: [{ id: files[1], status: "completed" }], has_more: false });
    expect((await project.get(`${path}/${batch.id}/files?filter=failed`)).json.data).toEqual([]);
    expect((await store.finds("blue house"))[0]).toBe("0.md");
  });

  it("gives all files the same attributes and cuts, or each its own", async () => {
    const { project, store, files, path } = await storeAndFiles("One.", "Two.", "Three.");
    const cut = (tokens: number) => ({
      type: "static",
      static: { max_chunk_size_tokens: tokens, chunk_overlap_tokens: 10 },
    });
    const shared = { attributes: { year: 2024 }, chunking_strategy: cut(200) };
    await project.post(path, { file_ids: files.slice(0, 2), ...shared });
    const own = { file_id: files[2], attributes: { draft: true }, chunking_strategy: cut(300) };
    await project.post(path, { files: [own, { file_id: files[2] }] });
    const stored = await Promise.all(files.map(async (id) => (await project.get(`/v1${store.path}/files/${id}`)).json));
    expect(stored.map(({ attributes }) => attributes)).toEqual([{ year: 2024 }, { year: 2024 }, { draft: true }]);
    expect(stored.map(({ chunking_strategy: { static: cuts } }) => cuts.max_chunk_size_tokens)).toEqual([
      200, 200, 300,
    ]);
  });

  it("counts a file that is there already, which is not read again but gets the attributes", async () => {
    const { project, store, files, path } = await storeAndFiles("One.", "Two.");
    const { json: first } = await project.post(path, { file_ids: [files[0]] });
    await settled(store, first.id);
    const { json: both } = await project.post(path, { file_ids: [...files, files[0]], attributes: { kind: "b" } });
    expect(both.file_counts).toEqual({ ...NONE, in_progress: 1, completed: 1, total: 2 });
    expect(await settled(store, both.id)).toMatchObject({ status: "completed", file_counts: { completed: 2 } });
    expect((await project.get(`${path}/${first.id}`)).json.file_counts).toMatchObject({ completed: 1, total: 1 });
    expect((await store.file(files[0]!)).attributes).toEqual({ kind: "b" });
    await project.delete(`${store.path}/files/${files[0]}`);
    expect((await project.get(`${path}/${first.id}`)).json.file_counts).toMatchObject({ completed: 0, total: 0 });
  });

  it("says how many files could not be read, and has failed where none could", async () => {
    const { project, store, files, path } = await storeAndFiles("\0\x01\x02", "Two.");
    const { json: mixed } = await project.post(path, { file_ids: files });
    expect(await settled(store, mixed.id)).toMatchObject({
      status: "completed",
      file_counts: { completed: 1, failed: 1, total: 2 },
    });
    const { json: lost } = await project.post(path, { file_ids: [files[0]] });
    expect(lost.file_counts.in_progress).toBe(1);
    expect(await settled(store, lost.id)).toMatchObject({ status: "failed", file_counts: { failed: 1, total: 1 } });
    expect((await project.get(`${path}/${lost.id}/files?filter=failed`)).json.data).toMatchObject([{ id: files[0] }]);
  });

  it("can be cancelled: what is read stays, nothing else of it comes, not even from a worker in the middle of it", async () => {
    let [reading, goOn] = [false, (): void => undefined];
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    const model = new FakeModel(async (request) => {
      const input = request["input"] as string[];
      if (input.some((text) => text.includes("slow"))) {
        reading = true;
        await gate;
      }
      const data = input.map((_, index) => ({ object: "embedding", index, embedding: [1, 0, 0.5] }));
      return Response.json({
        object: "list",
        model: request.model,
        data,
        usage: { prompt_tokens: 1, total_tokens: 1 },
      });
    });
    const project = await newProject();
    const store = await Store.create(project, { embedding_model: model.id });
    const path = `${store.path}/file_batches`;
    const [quick, slow] = [
      await upload(project, "quick.md", "Quick house."),
      await upload(project, "slow.md", "A slow house."),
    ];
    const { json: batch } = await project.post(path, { file_ids: [quick.id, slow.id] });
    await store.settled(quick.id);
    await eventually(async () => expect(reading).toBe(true));
    const { json: cancelled } = await project.post(`${path}/${batch.id}/cancel`);
    expect(cancelled).toMatchObject({
      status: "cancelled",
      file_counts: { in_progress: 0, completed: 1, cancelled: 1, total: 2 },
    });
    goOn();
    await store.readNow(slow.id);
    expect(await store.finds("house")).toEqual(["quick.md"]);
    expect((await project.get(`${path}/${batch.id}`)).json).toEqual(cancelled);
    expect(await store.file(slow.id)).toMatchObject({ status: "error", error: "processing was cancelled" });
    const { json: file } = await project.get(`/v1${store.path}/files/${slow.id}`);
    expect([file.status, file.last_error]).toEqual(["cancelled", null]);
    await eventually(async () =>
      expect(
        await env.DB.prepare("select count(*) n from knowledge_chunks where document_id = ?").bind(slow.id).first("n"),
      ).toBe(0),
    );
    const { json: again } = await project.post(`${path}/${batch.id}/cancel`);
    expect(again).toEqual(cancelled);
    await project.post(`${store.path}/files`, { file_id: slow.id });
    expect(await store.settled(slow.id)).toMatchObject({ status: "processed" });
  });

  it("that is through is not cancelled any more", async () => {
    const { project, store, files, path } = await storeAndFiles("One.");
    const { json: batch } = await project.post(path, { file_ids: files });
    const done = await settled(store, batch.id);
    expect((await project.post(`${path}/${batch.id}/cancel`)).json).toEqual(done);
  });

  it("holds all that it was given, a megabyte of attributes too, but no more than two thousand files", async () => {
    const { project, store, files, path } = await storeAndFiles("One.");
    const ids = await copiesOf(project.id, files[0]!, 120);
    const attributes = Object.fromEntries(Array.from({ length: 16 }, (_, key) => [`key${key}`, "x".repeat(512)]));
    const { status, json: batch } = await project.post(path, { file_ids: ids, attributes });
    expect([status, batch.file_counts]).toEqual([200, { ...NONE, in_progress: 120, total: 120 }]);
    expect((await store.file(ids[119]!)).attributes).toEqual(attributes);
    const tooMany = Array.from({ length: 2001 }, (_, index) => `file-${index}`);
    expect((await project.post(path, { file_ids: tooMany })).status).toBe(422);
    await project.delete(store.path);
  });

  it("puts in all files or none, and refuses what is no batch", async () => {
    const { project, store, files, path } = await storeAndFiles("One.");
    const foreign = await upload(await newProject(), "theirs.md", "Theirs.");
    for (const id of [foreign.id, "nobody"]) {
      const { status, json } = await project.post(path, { file_ids: [files[0], id] });
      expect([status, json.message]).toEqual([404, expect.stringContaining(id)]);
    }
    const wrong = [
      {},
      { file_ids: [] },
      { files: [] },
      { file_ids: files, files: [{ file_id: files[0] }] },
      { files: [{ file_id: files[0] }], file_ids: files },
      { file_ids: [1] },
      { files: [{}] },
      { file_ids: files, attributes: { a: {} } },
    ];
    for (const body of wrong)
      expect({ ...(await project.post(path, body)), body }).toMatchObject({ status: 422, body });
    expect((await project.get(`${store.path}/files`)).json.data).toEqual([]);
    expect((await project.get(`${path}/nobody`)).status).toBe(404);
  });

  it("is made once for one Idempotency-Key", async () => {
    const { project, files, path } = await storeAndFiles("One.");
    const key = { "idempotency-key": crypto.randomUUID() };
    const twins = await Promise.all([1, 2].map(() => project.post(path, { file_ids: files }, key)));
    expect(twins[0]!.json.id).toBe(twins[1]!.json.id);
  });

  it("leaves nothing behind when its store is deleted", async () => {
    const { project, store, files, path } = await storeAndFiles("One.");
    const { json: batch } = await project.post(path, { file_ids: files });
    await settled(store, batch.id);
    await project.delete(store.path);
    const left = () =>
      env.DB.prepare(
        `select (select count(*) from document_batches where id = ?1)
         + (select count(*) from document_batch_members where batch_id = ?1) as n`,
      )
        .bind(batch.id)
        .first("n");
    await eventually(async () => expect(await left()).toBe(0));
    expect((await project.get(`/files/${files[0]}`)).status).toBe(200);
  });
});

/** So many files as uploads would be made of, without their bytes. */
async function copiesOf(projectId: string, fileId: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => crypto.randomUUID());
  await env.DB.prepare(
    `insert into files (id, project_id, filename, purpose, bytes, content_hash, owned, created_at)
     select v.value, project_id, filename, purpose, bytes, content_hash, owned, created_at
     from files, json_each(?) v where files.id = ? and project_id = ?`,
  )
    .bind(JSON.stringify(ids), fileId, projectId)
    .run();
  return ids;
}
