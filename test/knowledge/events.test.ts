import { expect, it } from "vitest";
import { Store } from "../helpers/knowledge.ts";
import { newProject } from "../helpers/project.ts";
import { SseReader } from "../helpers/sse.ts";

it("those who watch a project hear of each document that is read, or cannot be, and how many are", async () => {
  const [project, other] = [await newProject(), await newProject()];
  const store = await Store.create(project);
  const [feed, theirs] = await Promise.all(
    [project, other].map(async (caller) => new SseReader(await caller.fetch("GET", "/threads/events"))),
  );
  const read = await store.addAndWait("shipping.md", "Orders are sent within one working day.");
  const counts = { in_progress: 0, completed: 1, failed: 0, cancelled: 0, total: 1 };
  const of = { thread_id: null, vector_store_id: store.id };
  const processed = { ...of, type: "vector_store.file.processed", file_id: read, filename: "shipping.md" };
  expect(await feed!.json()).toEqual({ ...processed, file_counts: counts });
  const failed = await store.add("empty.md", " ");
  const { error } = await store.settled(failed);
  expect(await feed!.json()).toEqual({
    ...of,
    type: "vector_store.file.failed",
    file_id: failed,
    filename: "empty.md",
    error,
    file_counts: { ...counts, failed: 1, total: 2 },
  });
  expect((await project.get(store.path)).json).toMatchObject({ file_count: 2, file_counts: { failed: 1, total: 2 } });
  await Store.create(other).then((mine) => mine.addAndWait("mine.md", "Mine alone."));
  expect(await theirs!.json()).toMatchObject({ filename: "mine.md" });
});
