import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import { Store, upload } from "../helpers/knowledge.ts";
import { newChat, newProject, type Caller } from "../helpers/project.ts";
import { askLater, inMs, pass, tick } from "../helpers/schedules.ts";
import { FakeModel, says } from "../helpers/upstream.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function loseBells(): void {
  vi.spyOn(console, "error").mockReturnValue(undefined);
  for (const queue of [env.JOBS, env.LONG_JOBS])
    for (const send of ["send", "sendBatch"] as const)
      vi.spyOn(queue, send).mockRejectedValue(new Error("the queue is down"));
}

/** What a caller hears who asks for one thing after the other. */
async function statuses(caller: Caller, ...calls: [method: string, path: string, body?: object][]) {
  const heard: number[] = [];
  for (const [method, path, body] of calls) heard.push((await caller.call(method, path, body)).status);
  return heard;
}

it("says of documents what is stored, although no bell can be rung for it", async () => {
  const project = await newProject();
  const [store, file] = [await Store.create(project), await upload(project, "a.md", "A lighthouse.")];
  const content = await store.addAndWait("b.md", "A bookshop.");
  loseBells();
  const answers = await statuses(
    project,
    ["POST", `${store.path}/files`, { filename: "c.md", content: "A harbour." }],
    ["POST", `${store.path}/files`, { file_id: file.id }],
    ["POST", `${store.path}/files`, { url: "https://example.com/d.md" }],
    ["POST", `${store.path}/files/${content}/retry`, {}],
    ["POST", store.path, { embedding_model: "embedded/other" }],
    ["DELETE", `${store.path}/files/${content}`],
    ["DELETE", `/files/${file.id}`],
    ["DELETE", store.path],
  );
  expect(answers).toEqual(answers.map(() => 200));
});

it("says of conversations what is stored, although no bell can be rung for it", async () => {
  const chat = await newChat(new FakeModel(says("Hello.")));
  const thread = chat.thread();
  loseBells();
  expect((await askLater(thread, "hi", inMs(30_000))).status).toBe(200);
  expect(await statuses(chat.project, ["DELETE", `/integrations/${chat.integrationId}/chats/${chat.id}`])).toEqual([
    200,
  ]);
  const { id } = (
    await chat.project.post("/integrations", { name: "Shop", vendor: "telegram", auth_data: { token: "1" } })
  ).json;
  expect(await statuses(chat.project, ["DELETE", `/integrations/${id}`])).toEqual([200]);
});

it("a sweep rings for what is due, although a part of it fails", async () => {
  const store = await Store.create(await newProject());
  loseBells();
  const file = await store.add("a.md", "A lighthouse.");
  vi.restoreAllMocks();
  const failed = vi.spyOn(console, "error").mockReturnValue(undefined);
  const prepare = env.DB.prepare.bind(env.DB);
  vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
    if (sql.includes("idempotent_answers")) throw new Error("no such table");
    return prepare(sql);
  });
  pass(1000);
  await tick();
  expect(failed.mock.calls.map(([what]) => what)).toEqual(["sweep"]);
  expect((await store.settled(file)).status).toBe("processed");
});
