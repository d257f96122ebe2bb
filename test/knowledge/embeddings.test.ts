import { describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { Store } from "../helpers/knowledge.ts";
import { newProject } from "../helpers/project.ts";
import { FakeModel } from "../helpers/upstream.ts";

/** What these words mean, as an embedding model would know it: a place each. */
const MEANINGS = [/car|automobile|vehicle|машин/i, /doctor|physician|врач/i, /ship|boat|корабл/i];

/** An embedding model that knows a few meanings; all else is alike to it. */
const embedder = (dimensions = 8, knows = MEANINGS) =>
  new FakeModel((request) => {
    const input = request["input"] as string[];
    const data = input.map((text, index) => ({
      object: "embedding",
      index,
      embedding: meaning(text, dimensions, knows),
    }));
    return Response.json({ object: "list", model: request.model, data, usage: { prompt_tokens: 1, total_tokens: 1 } });
  });

function meaning(text: string, dimensions: number, knows: RegExp[]): number[] {
  const vector = Array.from({ length: dimensions }, () => 0);
  knows.forEach((pattern, at) => (vector[at] = pattern.test(text) ? 1 : 0));
  vector[dimensions - 1] = 0.3;
  return vector;
}

const AUTOMOBILE = "The automobile stands in the garage.";
const PHYSICIAN = "A physician is called at night.";

describe("with an embedding model", () => {
  it("a search finds what means the same in other words, and in another language", async () => {
    const store = await Store.create(await newProject(), { embedding_model: embedder().id });
    await store.addAndWait("garage.md", AUTOMOBILE);
    await store.addAndWait("night.md", PHYSICIAN);
    expect((await store.finds("Where is my car?"))[0]).toBe("garage.md");
    expect((await store.finds("Кто этот врач?"))[0]).toBe("night.md");
  });

  it("words are found still while the model fails, and a file waits for it and says why", async () => {
    const works = embedder();
    let [fails, hangs] = [false, false];
    const model = new FakeModel((request, signal) => {
      if (hangs) return new Promise<Response>(() => undefined);
      return fails
        ? Response.json({ error: { message: "over quota" } }, { status: 400 })
        : works.answer(request, signal);
    });
    const store = await Store.create(await newProject(), { embedding_model: model.id });
    await store.addAndWait("garage.md", AUTOMOBILE);
    fails = true;
    expect(await store.finds("automobile garage")).toEqual(["garage.md"]);
    const waiting = await store.add("night.md", PHYSICIAN);
    await eventually(async () =>
      expect(await store.file(waiting)).toMatchObject({
        status: "pending",
        error: expect.stringContaining("over quota"),
      }),
    );
    fails = false;
    expect(await store.settled(waiting)).toMatchObject({ status: "processed", error: null });
    hangs = true;
    expect(await store.finds("automobile garage")).toEqual(["garage.md"]);
  });

  it("a file waits for a busy model however often it must, and does not for one that nobody pays", async () => {
    const works = embedder();
    let refusal: [code: string, retryAfter: string] | null = ["rate_limit_exceeded", "60"];
    const model = new FakeModel((request, signal) => {
      if (!refusal) return works.answer(request, signal);
      const [code, retryAfter] = refusal;
      return Response.json({ error: { message: code, code } }, { status: 429, headers: { "retry-after": retryAfter } });
    });
    const store = await Store.create(await newProject(), { embedding_model: model.id });
    const id = await store.add("night.md", PHYSICIAN);
    for (let attempt = 0; attempt < 10; attempt++) await store.readNow(id);
    expect(await store.file(id)).toMatchObject({ status: "pending", error: expect.stringContaining("is busy") });
    refusal = null;
    await store.readNow(id);
    expect(await store.file(id)).toMatchObject({ status: "processed", error: null });

    refusal = ["insufficient_quota", "60"];
    const unpaid = await store.add("garage.md", AUTOMOBILE);
    for (let attempt = 0; attempt < 10; attempt++) await store.readNow(unpaid);
    expect(await store.file(unpaid)).toMatchObject({ status: "error", error: expect.stringContaining("quota") });
  });

  it("waits a moment where a busy model says so, and reads the file to its end", async () => {
    const works = embedder();
    // The file's own bell may come first, and meet one of them.
    let refusals = 2;
    const model = new FakeModel((request, signal) => {
      if (refusals-- <= 0) return works.answer(request, signal);
      return Response.json({ error: { message: "slow down" } }, { status: 429, headers: { "retry-after": "0" } });
    });
    const store = await Store.create(await newProject(), { embedding_model: model.id });
    const id = await store.add("garage.md", AUTOMOBILE);
    await store.readNow(id);
    expect(await store.file(id)).toMatchObject({ status: "processed" });
  });

  it("says what is missing where the model's provider is not configured", async () => {
    const store = await Store.create(await newProject(), { embedding_model: "workers-ai/@cf/baai/bge-m3" });
    const id = await store.add("garage.md", AUTOMOBILE);
    await eventually(async () =>
      expect(await store.file(id)).toMatchObject({ error: expect.stringContaining("the AI binding is not set") }),
    );
    expect((await store.caller.post(store.path, { embedding_model: "nonsense" })).status).toBe(422);
  });

  it("another model's vectors replace the present ones, which are found all the while", async () => {
    const [first, second] = [embedder(8, [/automobile|car/i]), embedder(16, [/automobile|wheels/i])];
    const store = await Store.create(await newProject(), { embedding_model: first.id });
    const id = await store.addAndWait("garage.md", AUTOMOBILE);
    await store.addAndWait("night.md", PHYSICIAN);
    expect((await store.finds("Where is the car?"))[0]).toBe("garage.md");
    const { json } = await store.caller.post(store.path, { embedding_model: second.id });
    expect(json).toMatchObject({ status: "indexing", embedding_model: second.id });
    expect(await store.finds("automobile")).toContain("garage.md");
    await eventually(async () => expect((await store.caller.get(store.path)).json.status).toBe("ready"));
    expect((await store.finds("What has wheels?"))[0]).toBe("garage.md");
    expect(await store.file(id)).toMatchObject({ status: "processed" });
    const third = await store.addAndWait("more.md", "Wheels are round.");
    await store.caller.delete(`${store.path}/files/${third}`);
    expect((await store.finds("What has wheels?"))[0]).toBe("garage.md");
  });
});
