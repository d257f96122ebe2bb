import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { newChat, type Thread } from "../helpers/project.ts";
import { Receiver, register } from "../helpers/receiver.ts";
import { SseReader } from "../helpers/sse.ts";
import { fails, FakeModel, HeldAnswer, says } from "../helpers/upstream.ts";

const objectOf = (thread: Thread) => env.THREADS.getByName(`${thread.chat.project.id}/${thread.id}`);

const conversation = async (thread: Thread) =>
  (await thread.messages()).map(({ role, content, status }) => `${role} ${status}: ${content}`);

describe("a crash in the middle of an answer", () => {
  it("keeps what was said, marked as interrupted, and the thread goes on", async () => {
    const held = new HeldAnswer();
    const model = new FakeModel(held.answer, says("Here again."));
    const thread = (await newChat(model)).thread();
    held.say("Half an ");
    const reader = new SseReader(await thread.stream("hi"));
    await reader.json();
    await abortAllDurableObjects();
    expect(await conversation(thread)).toEqual(["user complete: hi", "assistant interrupted: Half an "]);
    expect(model.requests).toHaveLength(1);
    expect((await thread.ask("are you there?")).text).toBe("Here again.");
    expect((await thread.get()).json).toMatchObject({ pending_count: 0, stats: { messages_total: 4 } });
  });

  it("keeps what was said a second ago, although nothing was said since", async () => {
    const held = new HeldAnswer();
    const thread = (await newChat(new FakeModel(held.answer))).thread();
    held.say("One ");
    const reader = new SseReader(await thread.stream("hi"));
    await reader.json();
    held.say("two.");
    await reader.json();
    await scheduler.wait(1200);
    await abortAllDurableObjects();
    expect(await conversation(thread)).toEqual(["user complete: hi", "assistant interrupted: One two."]);
  });

  it("before the first word, lets the answer begin again, without a visitor", async () => {
    const model = new FakeModel(new HeldAnswer().answer, says("Now I can."));
    const thread = (await newChat(model)).thread();
    thread.stream("hi").catch(() => undefined);
    await eventually(() => expect(model.requests).toHaveLength(1));
    await abortAllDurableObjects();
    await runDurableObjectAlarm(objectOf(thread));
    await eventually(async () =>
      expect(await conversation(thread)).toEqual(["user complete: hi", "assistant complete: Now I can."]),
    );
    expect(model.requests).toHaveLength(2);
  });

  it("before the first word, again and again, fails the answer in the end and not the thread", async () => {
    const held = new HeldAnswer();
    const model = new FakeModel(held.answer, held.answer, held.answer, held.answer, says("Alive."));
    const thread = (await newChat(model)).thread();
    thread.stream("hi").catch(() => undefined);
    for (let calls = 1; calls <= 4; calls++) {
      await eventually(() => expect(model.requests).toHaveLength(calls));
      await abortAllDurableObjects();
      await thread.get();
    }
    expect(await conversation(thread)).toEqual(["user complete: hi", "assistant failed: "]);
    expect((await thread.ask("still?")).text).toBe("Alive.");
  });

  it("answers those that waited, in their order", async () => {
    const held = new HeldAnswer();
    const model = new FakeModel(held.answer, says("Second."), says("Third."));
    const thread = (await newChat(model)).thread();
    held.say("Fir");
    const reader = new SseReader(await thread.stream("one"));
    await reader.json();
    for (const [index, text] of ["two", "three"].entries()) {
      thread.stream(text).catch(() => undefined);
      await eventually(async () => expect(await conversation(thread)).toHaveLength(4 + 2 * index));
    }
    await abortAllDurableObjects();
    await runDurableObjectAlarm(objectOf(thread));
    await eventually(async () =>
      expect(await conversation(thread)).toEqual([
        "user complete: one",
        "assistant interrupted: Fir",
        "user complete: two",
        "assistant complete: Second.",
        "user complete: three",
        "assistant complete: Third.",
      ]),
    );
  });

  it("tells a reader who comes back the rest of what is stored, and that it was interrupted", async () => {
    const held = new HeldAnswer();
    const thread = (await newChat(new FakeModel(held.answer))).thread();
    held.say("Half an ");
    const reader = new SseReader(await thread.stream("hi"));
    const { id } = (await reader.next())!;
    await abortAllDurableObjects();
    await thread.get();
    const again = await thread.chat.project.fetch("GET", `${thread.path}/stream`, undefined, { "last-event-id": id! });
    expect((await new SseReader(again).rest()).map(({ data }) => JSON.parse(data))).toEqual([
      { type: "error", error: expect.stringContaining("interrupted") },
    ]);
    expect((await thread.chat.project.fetch("GET", `${thread.path}/stream`)).status).toBe(204);
  });
});

describe("what others must be told", () => {
  /** Makes D1 fail for the tables that a projection writes. */
  async function withoutDatabase<T>(run: () => Promise<T>): Promise<T> {
    await env.DB.exec("alter table chat_hours rename to chat_hours_away");
    try {
      return await run();
    } finally {
      await env.DB.exec("alter table chat_hours_away rename to chat_hours");
    }
  }

  it("waits for a database that fails, and is complete when it is back", async () => {
    const thread = (await newChat(new FakeModel(says("pelican")))).thread();
    await thread.ask("hi");
    const found = async () => (await thread.chat.project.get("/threads?search=flamingo")).json.data;
    await withoutDatabase(async () => {
      expect((await thread.ask("flamingo")).text).toBe("pelican");
      expect(await found()).toEqual([]);
    });
    await runDurableObjectAlarm(objectOf(thread));
    await eventually(async () => expect(await found()).toHaveLength(1));
    const { json: chat } = await thread.chat.project.get(`/chats/${thread.chat.id}`);
    expect(chat.events_24h).toBe(4);
  });

  it("is told once, although it is sent again after a crash between telling and noting", async () => {
    const thread = (await newChat(new FakeModel(says("ok")))).thread();
    await thread.ask("zebra");
    await runInDurableObject(objectOf(thread), async (_, { storage }) => {
      storage.sql.exec("update thread set record = json_set(record, '$.projected', 0)");
      await storage.setAlarm(Date.now() + 60_000);
    });
    await abortAllDurableObjects();
    const feed = new SseReader(
      await thread.chat.project.fetch("GET", "/threads/events", undefined, { "last-event-id": "0" }),
    );
    await runDurableObjectAlarm(objectOf(thread));
    await thread.setMode("manual");
    const types: unknown[] = [];
    while (types.at(-1) !== "mode_changed") types.push((await feed.json())["type"]);
    expect(types).toEqual(["message_created", "pending_count", "message_created", "pending_count", "mode_changed"]);
    await feed.cancel();
    expect((await thread.chat.project.get(`/chats/${thread.chat.id}`)).json.events_24h).toBe(2);
    const rows = await env.DB.prepare("select count(*) as count from message_search where thread_id = ?")
      .bind(thread.id)
      .first();
    expect(rows).toEqual({ count: 1 });
  });

  it.each([
    ["nothing is unfinished", {}, [says("ok")]],
    ["a title failed", { memory: { generateTitle: true } }, [says("ok"), fails(400)]],
  ])("leaves a thread asleep in which %s", async (_case, ai, answers) => {
    const model = new FakeModel(...answers);
    const thread = (await newChat(model, ai)).thread();
    await thread.ask("hi");
    await eventually(async () => {
      expect(model.requests).toHaveLength(answers.length);
      expect(await unfinished(thread)).toEqual({ alarm: null, bills: "[]" });
    });
  });

  it("leaves a thread asleep whose answer failed and cost nothing, when all else had been told before", async () => {
    const receiver = new Receiver();
    const isTold = () => eventually(() => expect(receiver.types).toContain("thread.message.created"));
    const model = new FakeModel(async (...request) => isTold().then(() => fails(400)(...request)));
    const thread = (await newChat(model)).thread();
    await register(thread.chat.project, receiver);
    expect((await thread.stream("hi")).status).toBe(502);
    await eventually(async () => expect(await unfinished(thread)).toEqual({ alarm: null, bills: "[]" }));
  });
});

/** What wakes a thread, and what it owes. */
const unfinished = (thread: Thread) =>
  runInDurableObject(objectOf(thread), async (_, { storage }) => {
    const { bills } = storage.sql.exec<{ bills: string }>("select record ->> '$.bills' as bills from thread").one();
    return { alarm: await storage.getAlarm(), bills };
  });

it("counts a message once, although it is sent again together with what came later", async () => {
  const thread = (await newChat(new FakeModel(says("ok")))).thread();
  await thread.ask("zebra");
  await runInDurableObject(objectOf(thread), (_, state) => {
    state.storage.sql.exec("update thread set record = json_set(record, '$.projected', 0)");
  });
  await abortAllDurableObjects();
  await thread.ask("okapi");
  expect((await thread.chat.project.get(`/chats/${thread.chat.id}`)).json.events_24h).toBe(4);
});

it("forgets nothing when it is evicted between two messages", async () => {
  const model = new FakeModel(says("A1"), says("A2"));
  const thread = (await newChat(model)).thread();
  await thread.ask("Q1");
  await evictDurableObject(objectOf(thread));
  await thread.ask("Q2");
  expect(model.requests[1]!.messages.map(({ content }) => content)).toEqual(["Q1", "A1", "Q2"]);
}, 30_000);

it("wakes no object, and makes no table, for a thread that does not exist", async () => {
  const thread = (await newChat()).thread();
  for (const path of [thread.path + "/messages", thread.path + "/stream", `/threads/${thread.id}`]) {
    expect((await thread.chat.project.get(path)).status).toBe(404);
  }
  const tables = await runInDurableObject(objectOf(thread), (_, state) =>
    state.storage.sql.exec("select name from sqlite_master where name = 'messages'").toArray(),
  );
  expect(tables).toEqual([]);
});
