import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { addContent, removeDocument } from "../../src/core/knowledge/documents.ts";
import { searchKnowledge } from "../../src/core/knowledge/knowledge-search.ts";
import { createStore } from "../../src/core/knowledge/knowledge-stores.ts";
import { beginRebuild } from "../../src/core/knowledge/store-rebuild.ts";
import { eraseDocument } from "../../src/knowledge/erase.ts";
import { indexDocument } from "../../src/knowledge/index-document.ts";
import { rebuildStore } from "../../src/knowledge/rebuild-store.ts";
import { openContext } from "../../src/runtime/context.ts";
import type { Env } from "../../src/runtime/env.ts";
import { eventually } from "../helpers/eventually.ts";
import { Store } from "../helpers/knowledge.ts";
import { newProject } from "../helpers/project.ts";
import { FakeModel } from "../helpers/upstream.ts";
import { FakeVectorize } from "../helpers/vectorize.ts";

const DAY_MS = 86_400_000;

/** An embedding model that knows what some words mean; it answers while `isOpen` says so. */
const embedder = (dimensions: number, meanings: RegExp[], isOpen = () => true) =>
  new FakeModel(async (request) => {
    while (!isOpen()) await scheduler.wait(2);
    const data = (request["input"] as string[]).map((text, index) => {
      const embedding = Array.from({ length: dimensions }, (_, at): number => (meanings[at]?.test(text) ? 1 : 0));
      embedding[dimensions - 1] = 0.3;
      return { object: "embedding", index, embedding };
    });
    return Response.json({ object: "list", model: request.model, data, usage: { prompt_tokens: 1, total_tokens: 1 } });
  });

describe("a vector store that expires", () => {
  /** As if nobody had used it for so many days. */
  const age = (store: Store, days: number) =>
    env.DB.prepare("update knowledge_stores set last_active_at = last_active_at - ? where id = ?")
      .bind(days * DAY_MS, store.id)
      .run();
  const shown = async (store: Store) => (await store.caller.get(`/v1${store.path}`)).json;

  it("is shown as expired, is not searched, by bots neither, and takes no more files", async () => {
    const project = await newProject();
    const store = await Store.create(project, { expires_after: { anchor: "last_active_at", days: 2 } });
    const id = await store.addAndWait("a.md", "The white whale.");
    await age(store, 3);
    expect((await shown(store)).status).toBe("expired");
    expect(Date.parse((await project.get(store.path)).json.expires_at)).toBeLessThan(Date.now());
    const refused = [
      await project.post(`${store.path}/search`, { query: "whale" }),
      await project.post(`${store.path}/files`, { filename: "b.md", content: "b" }),
      await project.post(`${store.path}/files`, { url: "https://example.com/" }),
      await project.post(`${store.path}/file_batches`, { file_ids: [id] }),
    ];
    for (const { status, json } of refused) {
      expect([status, json.message]).toEqual([422, "vector_store_id: this vector store has expired"]);
    }
    const defer = (work: Promise<unknown>) => void work;
    const ctx = openContext(env, project, { actor: { type: "system", job: "test" }, defer });
    expect(await searchKnowledge(ctx, { queries: ["whale"], limit: 5 })).toEqual([]);
    expect((await project.get(`${store.path}/files`)).json.data).toHaveLength(1);
  });

  it("lives on while it is searched, and again once its expiry is changed", async () => {
    const store = await Store.create(await newProject(), { expires_after: { anchor: "last_active_at", days: 2 } });
    await store.addAndWait("a.md", "The white whale.");
    await age(store, 1);
    const { expires_at: before } = await shown(store);
    expect(await store.finds("whale")).toEqual(["a.md"]);
    await eventually(async () => expect((await shown(store)).expires_at).toBeGreaterThan(before + 80_000));
    await age(store, 3);
    expect((await shown(store)).status).toBe("expired");
    const { json } = await store.caller.post(`/v1${store.path}`, { expires_after: null });
    expect(json).toMatchObject({ status: "completed", expires_at: null });
    expect(await store.finds("whale")).toEqual(["a.md"]);
  });
});

describe("what is deleted", () => {
  const objectOf = (project: { id: string }, store: Store) =>
    env.VECTOR_STORES.get(env.VECTOR_STORES.idFromName(`${project.id}/${store.id}`));
  const vectorsOf = (project: { id: string }, store: Store) =>
    runInDurableObject(objectOf(project, store), (_, { storage: { sql } }) =>
      sql.exec("select 1 from sqlite_master where name = 'vectors'").toArray().length > 0
        ? sql
            .exec<{ id: number }>("select id from vectors")
            .toArray()
            .map(({ id }) => id)
        : null,
    );
  const chunksOf = async (storeId: string) =>
    (
      await env.DB.prepare("select id, document_id as documentId from knowledge_chunks where store_id = ?")
        .bind(storeId)
        .all<{ id: number; documentId: string }>()
    ).results;
  /** How much of each kind is left of a document and the chunks that it had. */
  const leftOf = async (projectId: string, id: string, chunkIds: number[]) => ({
    ...(await env.DB.prepare(
      `select (select count(*) from documents where id = ?1) as documents, (select count(*) from files where id = ?1) as files,
         (select count(*) from knowledge_chunks where document_id = ?1) as chunks,
         (select count(*) from knowledge_search where rowid in (select value from json_each(?2))) as words`,
    )
      .bind(id, JSON.stringify(chunkIds))
      .first<Record<string, number>>()),
    blobs: (await env.FILES.list({ prefix: `${projectId}/files/${id}` })).objects.length,
  });
  const NOTHING = { documents: 0, files: 0, chunks: 0, words: 0, blobs: 0 };

  it("leaves no row, word, vector or byte of one document, and all of another", async () => {
    const project = await newProject();
    const store = await Store.create(project);
    const [gone, kept] = [
      await store.addAndWait("a.md", "The white whale."),
      await store.addAndWait("b.md", "A ship."),
    ];
    const chunks = await chunksOf(store.id);
    const ids = (document: string) => chunks.filter(({ documentId }) => documentId === document).map(({ id }) => id);
    expect(await leftOf(project.id, gone, ids(gone))).toEqual({
      documents: 1,
      files: 1,
      chunks: 1,
      words: 1,
      blobs: 1,
    });
    expect(await vectorsOf(project, store)).toEqual([...ids(gone), ...ids(kept)]);
    await project.delete(`${store.path}/files/${gone}`);
    await eventually(async () => expect(await leftOf(project.id, gone, ids(gone))).toEqual(NOTHING));
    expect(await vectorsOf(project, store)).toEqual(ids(kept));
    expect(await leftOf(project.id, kept, ids(kept))).toEqual({
      documents: 1,
      files: 1,
      chunks: 1,
      words: 1,
      blobs: 1,
    });
    await project.delete(`/files/${kept}`);
    await eventually(async () => expect(await leftOf(project.id, kept, ids(kept))).toEqual(NOTHING));
    expect(await vectorsOf(project, store)).toBeNull();
  });

  it("takes with a store all that was in it", async () => {
    const project = await newProject();
    const store = await Store.create(project);
    const id = await store.addAndWait("a.md", "The white whale.");
    const chunks = (await chunksOf(store.id)).map((chunk) => chunk.id);
    await project.delete(store.path);
    await eventually(async () => expect(await leftOf(project.id, id, chunks)).toEqual(NOTHING));
    await eventually(async () => expect(await vectorsOf(project, store)).toBeNull());
    const rows = await env.DB.prepare("select count(*) n from knowledge_stores where id = ?").bind(store.id).first("n");
    expect(rows).toBe(0);
  });

  it("leaves nothing of what a document said before it was read again", async () => {
    const project = await newProject();
    const store = await Store.create(project);
    const id = await store.addAndWait("a.md", "The white whale.");
    const [before] = await chunksOf(store.id);
    await project.post(`${store.path}/files/${id}/retry`, {});
    await store.settled(id);
    await eventually(async () => expect(await chunksOf(store.id)).toHaveLength(1));
    const [after] = await chunksOf(store.id);
    expect(after!.id).not.toBe(before!.id);
    await eventually(async () => expect(await vectorsOf(project, store)).toEqual([after!.id]));
  });
});

describe("another embedding model", () => {
  it("takes over without a search that finds nothing, with what was added and without what was deleted meanwhile", async () => {
    let isOpen = false;
    const first = embedder(8, [/whale|leviathan/]);
    const second = embedder(16, [/whale|leviathan/, /ship|vessel/], () => isOpen);
    const store = await Store.create(await newProject(), { embedding_model: first.id });
    await store.addAndWait("whale.md", "The white whale.");
    const gone = await store.addAndWait("gone.md", "A grey whale.");
    await store.caller.post(store.path, { embedding_model: second.id });
    await eventually(async () => expect(second.requests.length).toBeGreaterThan(0));
    for (let search = 0; search < 5; search++) expect(await store.finds("leviathan")).toContain("whale.md");
    const added = await store.add("ship.md", "An old ship.");
    await store.caller.delete(`${store.path}/files/${gone}`);
    expect(await store.finds("leviathan")).toEqual(["whale.md"]);
    expect((await store.caller.get(store.path)).json.status).toBe("indexing");
    isOpen = true;
    await eventually(async () => {
      expect((await store.finds("leviathan"))[0]).toBe("whale.md");
      expect((await store.caller.get(store.path)).json.status).toBe("ready");
    });
    expect((await store.settled(added)).status).toBe("processed");
    expect((await store.finds("vessel"))[0]).toBe("ship.md");
    expect(await store.finds("leviathan")).not.toContain("gone.md");
  });
});

describe("where Vectorize holds the vectors", () => {
  it("a document is found by meaning and by filter, moves with its store's model, and leaves no vector behind", async () => {
    const fake = new FakeVectorize(8, 1);
    const project = await newProject();
    const bindings = Object.create(env, { VECTORS: { value: fake.binding } }) as Env;
    const opened = openContext(bindings, project, {
      actor: { type: "system", job: "test" },
      defer: (work: Promise<unknown>) => void work,
    });
    // What the bells ring for is done here, one by one.
    const ctx = { ...opened, jobs: { ring: async () => undefined } };
    const [short, long] = [embedder(8, [/whale|leviathan/]), embedder(16, [/whale|leviathan/])];
    const store = await createStore(ctx, { name: "Sea", embeddingModel: short.id });
    const add = async (filename: string, text: string, year: number) => {
      const bytes = new TextEncoder().encode(text);
      const { id } = await addContent(ctx, store.id, { filename, bytes }, { attributes: { year } });
      await indexDocument(ctx, store.id, id);
      return id;
    };
    const whale = await add("whale.md", "The white whale.", 1851);
    await add("grey.md", "A grey whale.", 2020);
    const finds = async (year?: number) => {
      const filter = year === undefined ? null : { type: "eq" as const, key: "year", value: year };
      const hits = await searchKnowledge(ctx, { storeIds: [store.id], queries: ["leviathan"], limit: 5, filter });
      return hits.map(({ filename }) => filename).toSorted((a, b) => a.localeCompare(b));
    };
    expect(await finds()).toEqual(["grey.md", "whale.md"]);
    expect(await finds(1851)).toEqual(["whale.md"]);
    const count = async () => {
      for (let look = 0; look < 3; look++) await fake.getByIds(["none"]);
      return (await fake.describe()).vectorCount;
    };
    expect(await count()).toBe(2);
    await beginRebuild(ctx, store.id, long.id);
    expect(await finds()).toEqual(["grey.md", "whale.md"]);
    await rebuildStore(ctx, store.id);
    await rebuildStore(ctx, store.id);
    expect(await count()).toBe(0);
    expect(await finds(2020)).toEqual(["grey.md"]);
    await beginRebuild(ctx, store.id, short.id);
    await rebuildStore(ctx, store.id);
    await rebuildStore(ctx, store.id);
    expect(await count()).toBe(2);
    await removeDocument(ctx, store.id, whale);
    expect(await finds()).toEqual(["grey.md"]);
    await eraseDocument(ctx, store.id, whale);
    expect(await count()).toBe(1);
  });
});
