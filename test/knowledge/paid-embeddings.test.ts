import { expect, it } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { Store } from "../helpers/knowledge.ts";
import { adjust, balanceOf, setCredits, sumOf, transactionsOf } from "../helpers/money.ts";
import { newProject, type Caller } from "../helpers/project.ts";
import { FakeModel } from "../helpers/upstream.ts";

/** An embedding model to which everything is alike. */
const embedder = () =>
  new FakeModel((request) => {
    const input = request["input"] as string[];
    const data = input.map((_, index) => ({ object: "embedding", index, embedding: [1, 0, 0.5] }));
    return Response.json({ object: "list", model: request.model, data, usage: { prompt_tokens: 1, total_tokens: 1 } });
  });

const embeddings = async (project: Caller) => (await project.get("/billing/usage/calls")).json.data;

it("what an embedding model reads, of files and of questions, is charged", async () => {
  const [project, model] = [await newProject(), embedder()];
  const store = await Store.create(project, { embedding_model: model.id });
  await store.addAndWait("garage.md", "The automobile stands in the garage.");
  await eventually(async () => expect(await embeddings(project)).toHaveLength(1));
  await store.finds("Where is my car?");
  await eventually(async () => expect(await embeddings(project)).toHaveLength(2));
  const call = { purpose: "embedding", model: model.id, bot_id: null, message_id: null, output_tokens: 0 };
  expect(await embeddings(project)).toMatchObject([{ ...call, input_tokens: 4, cost: 0.004 }, call]);
  expect(sumOf(await transactionsOf(project))).toBe((await balanceOf(project)).credits);
  expect((await project.get("/billing/usage?group=bot")).json.data).toMatchObject([{ bot_id: null, calls: 2 }]);
});

it("an embedding model is not called where no credits are left: a file waits and says why, words are found still", async () => {
  const [project, model] = [await newProject(), embedder()];
  const store = await Store.create(project, { embedding_model: model.id });
  await store.addAndWait("garage.md", "The automobile stands in the garage.");
  await eventually(async () => expect(await embeddings(project)).toHaveLength(1));
  await setCredits(project, 0);
  const calls = model.requests.length;
  expect(await store.finds("automobile garage")).toEqual(["garage.md"]);
  const waiting = await store.add("night.md", "A physician is called at night.");
  await eventually(async () =>
    expect(await store.file(waiting)).toMatchObject({ status: "pending", error: "the project has no credits left" }),
  );
  expect(model.requests).toHaveLength(calls);
  await adjust(project, "topup", 1);
  expect(await store.settled(waiting)).toMatchObject({ status: "processed", error: null });
});
