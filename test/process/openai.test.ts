import OpenAI, { type APIError, BadRequestError, NotFoundError, toFile } from "openai";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EmbeddingServer } from "./embedding-server.ts";
import { libraryFiles, ON_PAGE_137 } from "./library.ts";
import { Server } from "./server.ts";

let server: Server;
let embeddings: EmbeddingServer;
let client: OpenAI;
let begun: Begun;
beforeAll(async () => {
  embeddings = await EmbeddingServer.start();
  server = await Server.start(embeddings.settings);
  client = new OpenAI({ apiKey: server.demo.key, baseURL: `${server.url}/v1`, maxRetries: 0 });
  begun = await killWhileReading();
});
afterAll(async () => {
  embeddings.stop();
  await server.kill();
});

const DOCUMENTS = 8;
const CHAPTERS = 100;
const chapter = (document: number, index: number) =>
  `# Chapter ${index} of book${document}\n\n${`The ship sails on, says line ${index}. `.repeat(12)}`;

type Batch = { store: string; batch: string };
type Begun = Batch & { library: Batch };

/** Lets documents be read, and ends the server as a power failure would when some have got half of their vectors. */
async function killWhileReading(): Promise<Begun> {
  const { id: store } = await client.vectorStores.create({ name: "Library", embedding_model: "openai/test" } as object);
  const ids: string[] = [];
  for (let document = 0; document < DOCUMENTS; document++) {
    const content = Array.from({ length: CHAPTERS }, (_, index) => chapter(document, index)).join("\n\n");
    const file = await client.files.create({ file: await text(`book${document}.md`, content), purpose: "assistants" });
    ids.push(file.id);
  }
  const strategy = { type: "static" as const, static: { max_chunk_size_tokens: 150, chunk_overlap_tokens: 0 } };
  const { id: batch } = await client.vectorStores.fileBatches.create(store, {
    file_ids: ids,
    chunking_strategy: strategy,
  });
  await vi.waitFor(() => expect(embeddings.calls).toBeGreaterThan(DOCUMENTS + 1), { timeout: 20_000 });
  const library = await beginLibrary();
  await vi.waitFor(async () => expect((await countsOf(library)).completed).toBeGreaterThan(0), { timeout: 20_000 });
  await server.kill();
  await server.start(embeddings.settings);
  return { store, batch, library };
}

/** What a person brings who begins, to be read without any model. */
async function beginLibrary(): Promise<Batch> {
  const { id: store } = await client.vectorStores.create({ name: "Papers" });
  const files = await Promise.all(
    libraryFiles().map(async ({ name, bytes }) =>
      client.files.create({ file: await toFile(bytes, name), purpose: "assistants" }),
    ),
  );
  const batch = await client.vectorStores.fileBatches.create(store, { file_ids: files.map(({ id }) => id) });
  return { store, batch: batch.id };
}

const countsOf = async ({ store, batch }: Batch) =>
  (await client.vectorStores.fileBatches.retrieve(batch, { vector_store_id: store })).file_counts;

const text = (name: string, content: string) => toFile(Buffer.from(content), name);
const POLL = { pollIntervalMs: 50 };

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe("OpenAI's own client", () => {
  it("makes a store, fills it in every way that it knows, searches it and takes it down", async () => {
    const store = await client.vectorStores.create({
      name: "Help",
      metadata: { team: "a" },
      expires_after: { anchor: "last_active_at", days: 7 },
    });
    expect(store).toMatchObject({ object: "vector_store", status: "completed", metadata: { team: "a" } });
    expect(store.expires_at).toBe(store.created_at + 7 * 86_400);

    const file = await client.files.create({
      file: await text("returns.md", "# Returns\n\nUnread books go back within 30 days."),
      purpose: "assistants",
    });
    expect(await client.files.retrieve(file.id)).toEqual(file);
    expect(await (await client.files.content(file.id)).text()).toContain("30 days");
    const attached = await client.vectorStores.files.createAndPoll(
      store.id,
      { file_id: file.id, attributes: { year: 2024, kind: "policy" } },
      POLL,
    );
    expect(attached).toMatchObject({ id: file.id, status: "completed", last_error: null, vector_store_id: store.id });
    expect(attached.chunking_strategy?.type).toBe("static");
    const uploaded = await client.vectorStores.files.uploadAndPoll(
      store.id,
      await text("delivery.txt", "Parcels abroad take ten days."),
      POLL,
    );
    expect(uploaded.status).toBe("completed");
    const batch = await client.vectorStores.fileBatches.uploadAndPoll(
      store.id,
      { files: [await text("a.md", "Gift cards never expire."), await text("b.csv", "book,price\nDune,12\nEmma,9")] },
      POLL,
    );
    expect(batch).toMatchObject({ object: "vector_store.files_batch", status: "completed" });
    expect(batch.file_counts).toEqual({ in_progress: 0, completed: 2, failed: 0, cancelled: 0, total: 2 });
    const named = [await text("c.md", "Opening hours: nine to six."), await text("broken.pdf", "%PDF-1.7 nothing")];
    const ids = await Promise.all(
      named.map(async (each) => (await client.files.create({ file: each, purpose: "assistants" })).id),
    );
    const mixed = await client.vectorStores.fileBatches.createAndPoll(
      store.id,
      { files: ids.map((file_id, index) => ({ file_id, attributes: { year: 2020 + index } })) },
      POLL,
    );
    expect(mixed.file_counts).toMatchObject({ completed: 1, failed: 1, total: 2 });
    const [failed] = await all(
      client.vectorStores.fileBatches.listFiles(mixed.id, { vector_store_id: store.id, filter: "failed" }),
    );
    expect(failed!.last_error).toMatchObject({ code: "invalid_file", message: expect.stringMatching(/PDF/) });
    const cancelled = await client.vectorStores.fileBatches.cancel(mixed.id, { vector_store_id: store.id });
    expect(cancelled.status).toBe("completed");

    expect((await client.vectorStores.retrieve(store.id)).file_counts).toMatchObject({
      completed: 5,
      failed: 1,
      total: 6,
    });
    const paged = await all(client.vectorStores.files.list(store.id, { limit: 1, order: "asc" }));
    expect(paged.map(({ id }) => id)).toEqual(expect.arrayContaining([file.id, uploaded.id, ...ids]));
    expect(paged).toHaveLength(6);
    const [page] = await all(client.vectorStores.files.content(uploaded.id, { vector_store_id: store.id }));
    expect(page).toEqual({ type: "text", text: "Parcels abroad take ten days." });

    const found = await all(client.vectorStores.search(store.id, { query: "When may I return a book?" }));
    expect(found[0]).toMatchObject({ file_id: file.id, filename: "returns.md", attributes: { year: 2024 } });
    const none = client.vectorStores.search(store.id, {
      query: ["return a book on parking trains"],
      max_num_results: 3,
      rewrite_query: true,
      ranking_options: { ranker: "auto", score_threshold: 1 },
    });
    expect(await all(none)).toEqual([]);

    const changed = await client.vectorStores.files.update(file.id, {
      vector_store_id: store.id,
      attributes: { year: 2025 },
    });
    expect(changed.attributes).toEqual({ year: 2025 });
    const renamed = await client.vectorStores.update(store.id, { name: "Shop", expires_after: null, metadata: null });
    expect(renamed).toMatchObject({ name: "Shop", expires_after: null, expires_at: null, metadata: {} });

    expect(await client.vectorStores.files.delete(file.id, { vector_store_id: store.id })).toEqual({
      id: file.id,
      object: "vector_store.file.deleted",
      deleted: true,
    });
    expect(await client.files.delete(uploaded.id)).toEqual({ id: uploaded.id, object: "file", deleted: true });
    expect(await all(client.vectorStores.files.list(store.id))).toHaveLength(4);
    expect((await client.vectorStores.delete(store.id)).deleted).toBe(true);
    await expect(client.vectorStores.retrieve(store.id)).rejects.toThrow(NotFoundError);
  }, 60_000);

  it("filters by attributes, and pages through stores and files in both directions", async () => {
    const files = await Promise.all(
      [1, 2, 3].map(async (year) =>
        client.files.create({ file: await text(`y${year}.md`, `The report of year ${year}.`), purpose: "user_data" }),
      ),
    );
    const store = await client.vectorStores.create({ file_ids: [files[0]!.id], chunking_strategy: { type: "auto" } });
    await client.vectorStores.fileBatches.createAndPoll(
      store.id,
      {
        files: files.map(({ id }, index) => ({
          file_id: id,
          attributes: { year: index + 1, draft: index === 0, kind: "abc"[index]! },
        })),
      },
      POLL,
    );
    type Filters = OpenAI.VectorStoreSearchParams["filters"];
    const among = async (filters: Filters) =>
      (await all(client.vectorStores.search(store.id, { query: "report of the year", filters })))
        .map(({ filename }) => filename[1]!)
        .toSorted((a, b) => a.localeCompare(b))
        .join("");
    const year = (type: "eq" | "ne" | "gt" | "gte" | "lt" | "lte", value: number) => ({ type, key: "year", value });
    expect(await among(year("eq", 2))).toBe("2");
    expect(await among(year("ne", 2))).toBe("13");
    expect(await among(year("gt", 1))).toBe("23");
    expect(await among(year("gte", 2))).toBe("23");
    expect(await among(year("lt", 2))).toBe("1");
    expect(await among(year("lte", 2))).toBe("12");
    expect(await among({ type: "in", key: "kind", value: ["a", "c"] })).toBe("13");
    expect(await among({ type: "nin", key: "kind", value: ["a"] })).toBe("23");
    expect(await among({ type: "eq", key: "draft", value: true })).toBe("1");
    expect(await among({ type: "and", filters: [year("gt", 1), { type: "eq", key: "kind", value: "c" }] })).toBe("3");
    expect(
      await among({
        type: "or",
        filters: [year("eq", 1), { type: "and", filters: [year("gte", 3), { type: "ne", key: "draft", value: true }] }],
      }),
    ).toBe("13");

    const ids = files.map(({ id }) => id);
    const listed = await client.files.list({ purpose: "user_data", limit: 2, order: "asc" });
    expect(new Set((await all(listed)).map(({ id }) => id))).toEqual(new Set(ids));
    const made = [store.id];
    for (const name of ["b", "c"]) made.push((await client.vectorStores.create({ name })).id);
    expect((await all(client.vectorStores.list({ limit: 1 }))).map(({ id }) => id).slice(0, 3)).toEqual(
      made.toReversed(),
    );
    const before = await client.vectorStores.list({ order: "asc", before: made[2]!, limit: 2 });
    expect(before.data.map(({ id }) => id)).toEqual(made.slice(0, 2));
  }, 60_000);

  it("is told what is wrong in the way that it understands", async () => {
    const store = await client.vectorStores.create({ name: "Errors" });
    const file = await client.files.create({ file: await text("a.md", "Text."), purpose: "assistants" });
    const other = await client.vectorStores.create({ name: "Other" });
    const batch = await client.vectorStores.fileBatches.create(store.id, { file_ids: [file.id] });
    const stranger = new OpenAI({ apiKey: "nobody's", baseURL: `${server.url}/v1`, maxRetries: 0 });
    const inStore = { vector_store_id: store.id };
    const missing = [
      () => client.files.retrieve("none"),
      () => client.files.content("none"),
      () => client.files.delete("none"),
      () => client.vectorStores.retrieve("none"),
      () => client.vectorStores.search("none", { query: "a" }),
      () => client.vectorStores.files.create(store.id, { file_id: "none" }),
      () => client.vectorStores.files.create("none", { file_id: file.id }),
      () => client.vectorStores.files.retrieve("none", inStore),
      () => client.vectorStores.files.retrieve(file.id, { vector_store_id: other.id }),
      () => client.vectorStores.fileBatches.create(store.id, { file_ids: [file.id, "none"] }),
      () => client.vectorStores.fileBatches.retrieve("none", inStore),
      () => client.vectorStores.fileBatches.retrieve(batch.id, { vector_store_id: other.id }),
      () => client.vectorStores.fileBatches.listFiles("none", inStore),
    ];
    for (const call of missing) {
      const error: unknown = await Promise.resolve(call()).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(NotFoundError);
      expect(error).toMatchObject({ type: "invalid_request_error", code: "not_found", param: null });
      expect((error as APIError).message).toMatch(/^404 [\w ]+ (?:none|[-\w]{36}) does not exist$/);
      expect((error as APIError).requestID).toMatch(/\w/);
    }
    const wrong: [string | null, () => PromiseLike<unknown>][] = [
      ["limit", () => client.vectorStores.list({ limit: 0 })],
      ["limit", () => client.vectorStores.list({ limit: 101 })],
      ["after", () => client.vectorStores.list({ after: "none" })],
      ["before", () => client.vectorStores.files.list(store.id, { before: other.id })],
      ["order", () => client.vectorStores.list({ order: "up" as "asc" })],
      ["filter", () => client.vectorStores.files.list(store.id, { filter: "done" as "failed" })],
      ["query", () => client.vectorStores.search(store.id, { query: "" })],
      ["max_num_results", () => client.vectorStores.search(store.id, { query: "a", max_num_results: 51 })],
      [
        "expires_after.days",
        () => client.vectorStores.create({ expires_after: { anchor: "last_active_at", days: 0 } }),
      ],
      ["file_ids", () => client.vectorStores.fileBatches.create(store.id, { file_ids: [] })],
      [
        "attributes.a",
        () => client.vectorStores.files.update(file.id, { ...inStore, attributes: { a: [] as unknown as string } }),
      ],
    ];
    for (const [param, call] of wrong) {
      const error: unknown = await Promise.resolve(call()).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(BadRequestError);
      expect(error).toMatchObject({ type: "invalid_request_error", param });
    }
    await expect(stranger.vectorStores.list()).rejects.toMatchObject({ status: 401, type: "authentication_error" });
  });
});

/** Here its worker's claim of a document has to run out first. */
it("every document that was being read when the server was killed is read to its end, and found once", async () => {
  const { store, batch } = begun;
  const inStore = { vector_store_id: store };
  await vi.waitFor(
    async () => {
      await server.sweep();
      const { status } = await client.vectorStores.fileBatches.retrieve(batch, inStore);
      expect([status, (await countsOf(begun.library)).in_progress]).toEqual(["completed", 0]);
    },
    { timeout: 60_000, interval: 1000 },
  );
  const files = await all(client.vectorStores.files.list(store, { limit: 3 }));
  expect(files.filter(({ status, last_error }) => status !== "completed" || last_error)).toEqual([]);
  expect(files).toHaveLength(DOCUMENTS);
  for (const [index, file] of files.toReversed().entries()) {
    const found = await all(client.vectorStores.search(store, { query: `Chapter 77 of book${index}` }));
    expect(found[0]).toMatchObject({ file_id: file.id, filename: `book${index}.md` });
    const texts = await all(client.vectorStores.files.content(file.id, inStore));
    const joined = texts.map(({ text: each }) => each).join("\n");
    expect(joined.match(/# Chapter \d+ of/g)).toHaveLength(CHAPTERS);
  }
  // What was answered to the killed server but not stored yet was paid for twice; nothing else was.
  expect(embeddings.texts - embeddings.distinct).toBeLessThanOrEqual(DOCUMENTS * 64);
  expect(embeddings.texts).toBeGreaterThanOrEqual(DOCUMENTS * CHAPTERS);
}, 90_000);

type Citation = { filename: string; place: string | null; text: string };

/** What a bot that knows some documents answers in a stream, and what it cites. */
async function answerOf(chatId: string, question: string): Promise<{ pieces: number; citations: Citation[] }> {
  const body = { messages: [{ role: "user", content: question }] };
  const thread = `/chats/${chatId}/threads/${crypto.randomUUID()}`;
  const events = (await (await server.fetch("POST", `${thread}/stream`, body)).text())
    .split("\n")
    .flatMap((line) => /^data: (\{.*)/.exec(line)?.[1] ?? [])
    .map((data) => JSON.parse(data) as { type: string; citations?: Citation[] });
  return {
    pieces: events.filter(({ type }) => type === "text-delta").length,
    citations: events.at(-1)!.citations ?? [],
  };
}

async function newReader(storeId: string): Promise<string> {
  const post = async (path: string, sent: object) =>
    (await (await server.fetch("POST", path, sent)).json()) as { id: string };
  const bot = await post("/bots", { name: "Reader" });
  await post(`/bots/${bot.id}/settings`, { ai: { vector_store_ids: [storeId] } });
  const website = await post("/integrations", { name: "Website", vendor: "worken", auth_data: {} });
  return (await post(`/integrations/${website.id}/chats`, { bot_id: bot.id, name: "Website" })).id;
}

it("a long PDF, a DOCX and a folder of Markdown that were being read are answered from, each in its language", async () => {
  const { store } = begun.library;
  const { file_counts, status } = await client.vectorStores.retrieve(store);
  const total = libraryFiles().length;
  expect([status, file_counts]).toEqual([
    "completed",
    { in_progress: 0, completed: total, failed: 0, cancelled: 0, total },
  ]);
  const chatId = await newReader(store);
  const asked: [question: string, filename: string, place: RegExp, says: string][] = [
    ["How many herons does the lighthouse keeper count?", "logbook.pdf", /\b13[678]\b/, ON_PAGE_137],
    ["За сколько дней предупредить о расторжении договора?", "contract.docx", /^$/, "за тридцать дней"],
    ["How do I take over a conversation?", "operators.md", /^$/, "set its mode to `manual`"],
  ];
  for (const [question, filename, place, says] of asked) {
    const { pieces, citations } = await answerOf(chatId, question);
    const cited = citations.find((citation) => citation.filename === filename);
    expect(pieces).toBeGreaterThan(3);
    expect(cited?.text).toContain(says);
    expect(cited!.place ?? "").toMatch(place);
  }
});
