import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { Store, upload } from "../helpers/knowledge.ts";
import { balanceOf } from "../helpers/money.ts";
import { newProject, type Caller } from "../helpers/project.ts";
import { FakeModel } from "../helpers/upstream.ts";

const inputOf = (request: { [key: string]: unknown }) => request["input"] as string[];

/** An embedding model that counts what it reads; `fails` says at which of its calls. */
function countingModel(fails: (call: number) => boolean = () => false) {
  const texts: string[] = [];
  let call = 0;
  const model = new FakeModel((request) => {
    if (fails(++call)) return Response.json({ error: { message: "not now" } }, { status: 400 });
    const input = inputOf(request);
    texts.push(...input);
    const data = input.map((text, index) => ({
      object: "embedding",
      index,
      embedding: [/whale/.test(text) ? 1 : 0, /ship/.test(text) ? 1 : 0, 0.2],
    }));
    return Response.json({ object: "list", model: request.model, data, usage: { prompt_tokens: 1, total_tokens: 1 } });
  });
  return { model, texts };
}

/** A document of so many chunks, each under a heading of its own. */
const chapters = (count: number, words = "Call me Ishmael.") =>
  Array.from({ length: count }, (_, index) => `# Chapter ${index}\n\n${words} ${"It was long. ".repeat(30)}`).join(
    "\n\n",
  );
const cut = { chunking_strategy: { type: "static", static: { max_chunk_size_tokens: 100, chunk_overlap_tokens: 0 } } };

const charged = async (project: Caller) => (await project.get("/billing/usage/calls")).json.data as { cost: number }[];

describe("what was embedded once", () => {
  it("costs nothing in another store of the project, under another id, or when it is processed again", async () => {
    const { model, texts } = countingModel();
    const project = await newProject();
    const first = await Store.create(project, { embedding_model: model.id });
    const id = await first.addAndWait("whale.md", "The white whale.");
    await eventually(async () => expect(await charged(project)).toHaveLength(1));
    const before = await balanceOf(project);
    const second = await Store.create(project, { embedding_model: model.id });
    await second.addAndWait("whale.md", "The white whale.");
    const again = await upload(project, "whale.md", "The white whale.");
    await project.post(`${first.path}/files`, { file_id: again.id });
    await first.settled(again.id);
    await project.post(`${first.path}/files/${id}/retry`, {});
    expect(await first.settled(id)).toMatchObject({ status: "processed" });
    expect(texts).toHaveLength(1);
    const [hit] = await second.search("whale");
    expect(hit).toMatchObject({ filename: "whale.md" });
    // The question is all that was paid for since.
    await eventually(async () => expect(await charged(project)).toHaveLength(2));
    const { credits } = await balanceOf(project);
    expect(before.credits - credits).toBeCloseTo((await charged(project))[0]!.cost, 6);
  });

  it("is found by its meaning with the vector that was made for another", async () => {
    const { model } = countingModel();
    const project = await newProject();
    const first = await Store.create(project, { embedding_model: model.id });
    await first.addAndWait("a.md", "The white whale.");
    const second = await Store.create(project, { embedding_model: model.id });
    for (const [name, text] of Object.entries({ "a.md": "The white whale.", "b.md": "A ship at sea." })) {
      await second.addAndWait(name, text);
    }
    expect((await second.finds("whaleish"))[0]).toBe("a.md");
  });

  it("is all that is not paid again when a part of a document changes", async () => {
    const { model, texts } = countingModel();
    const store = await Store.create(await newProject(), { embedding_model: model.id });
    await store.addAndWait("moby.md", chapters(6), cut);
    const whole = texts.splice(0).length;
    expect(whole).toBeGreaterThanOrEqual(6);
    await store.addAndWait("moby.md", chapters(6).replace("# Chapter 3\n\nCall me", "# Chapter 3\n\nCall him"), cut);
    expect(texts.length).toBeGreaterThan(0);
    expect(texts.length).toBeLessThan(whole / 2);
    expect(texts.some((text) => text.includes("Call him"))).toBe(true);
  });

  it("is not lost when the work on a document is cut off", async () => {
    const { model, texts } = countingModel((call) => call === 2);
    const store = await Store.create(await newProject(), { embedding_model: model.id });
    const id = await store.add("moby.md", chapters(80), cut);
    await eventually(async () => expect((await store.file(id)).error).toContain("not now"));
    await store.readNow(id);
    expect(await store.file(id)).toMatchObject({ status: "processed", error: null });
    expect(texts.length).toBeGreaterThan(64);
    expect(new Set(texts).size).toBe(texts.length);
  });

  it("is paid by each project, and for each model", async () => {
    const [one, other] = [countingModel(), countingModel()];
    const [mine, theirs] = [await newProject(), await newProject()];
    for (const [project, { model }] of [
      [mine, one],
      [theirs, one],
      [mine, other],
    ] as const) {
      const store = await Store.create(project, { embedding_model: model.id });
      await store.addAndWait("whale.md", "The white whale.");
    }
    expect([one.texts.length, other.texts.length]).toEqual([2, 1]);
    await eventually(async () => expect(await charged(theirs)).toHaveLength(1));
  });

  it("is forgotten with the last document that says it", async () => {
    const { model, texts } = countingModel();
    const store = await Store.create(await newProject(), { embedding_model: model.id });
    const id = await store.addAndWait("whale.md", "The white whale.");
    await store.caller.delete(`${store.path}/files/${id}`);
    await eventually(async () => {
      expect((await store.caller.get(`/files/${id}`)).status).toBe(404);
      expect(await leftOf(id)).toBe(0);
    });
    await store.addAndWait("whale.md", "The white whale.");
    expect(texts).toHaveLength(2);
  });
});

const leftOf = (id: string) =>
  env.DB.prepare("select count(*) n from knowledge_chunks where document_id = ?").bind(id).first("n");
