import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { LiveEvent } from "../../src/core/live-events.ts";
import type { LiveBatch } from "../../src/core/ports.ts";
import type { FeedObject } from "../../src/feed/feed-object.ts";
import { newChat, newProject, type Caller, type Chat, type Thread } from "../helpers/project.ts";
import { SseReader, type SseEvent } from "../helpers/sse.ts";
import { FakeModel, HeldAnswer, says } from "../helpers/upstream.ts";

const newTalk = () => newChat(new FakeModel(says("Hello.")));

async function listen(caller: Caller, path = "/threads/events", headers: Record<string, string> = {}) {
  const response = await caller.fetch("GET", path, undefined, headers);
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  return new SseReader(response);
}

async function take(listener: SseReader, count: number): Promise<SseEvent[]> {
  const events: SseEvent[] = [];
  while (events.length < count) events.push((await listener.next())!);
  return events;
}

const dataOf = (events: SseEvent[]) => events.map(({ data }) => JSON.parse(data) as Record<string, unknown>);
const idsOf = (events: SseEvent[]) => events.map(({ id }) => id!);
const isLater = (a: string, b: string) => {
  const [[row = 0, place = 0], [otherRow = 0, otherPlace = 0]] = [a, b].map((id) => id.split(".").map(Number)) as [
    number[],
    number[],
  ];
  return row > otherRow || (row === otherRow && place > otherPlace);
};

/** What is told of a question and its answer. */
const EXCHANGE = 4;
const exchangeIn = (thread: Thread) =>
  [
    { type: "message_created", role: "user", message_id: expect.any(String), status: "complete" },
    { type: "pending_count", pending_count: 1 },
    { type: "message_created", role: "assistant", message_id: expect.any(String), status: "complete" },
    { type: "pending_count", pending_count: 0 },
  ].map((event) => ({ thread_id: thread.id, ...event }));

const feedOf = (chat: Chat) => env.FEEDS.get(env.FEEDS.idFromName(chat.project.id));
const objectOf = (thread: Thread) => env.THREADS.get(env.THREADS.idFromName(`${thread.chat.project.id}/${thread.id}`));

describe("live events of a project", () => {
  it("reach a crowd, and who joins it between two moments, each once and in order", async () => {
    const project = await newProject();
    const crowd = await Promise.all(Array.from({ length: 60 }, () => listen(project)));
    const batch = (seq: number): LiveBatch => ({
      source: "crowd",
      seq,
      events: [{ type: "mode-changed", threadId: `thread-${seq}`, mode: "manual" }],
    });
    const joined: string[] = [];
    const feed = env.FEEDS.get(env.FEEDS.idFromName(project.id));
    await runInDurableObject(feed, async (object: FeedObject) => {
      for (const seq of [1, 2, 3]) await object.publish([batch(seq)]);
      const { webSocket } = await object.fetch(new Request("https://feed/listen?after=0.0"));
      webSocket!.accept();
      webSocket!.addEventListener("message", ({ data }) => joined.push(String(data)));
      await object.publish([batch(4)]);
    });
    const all = [1, 2, 3, 4].map((seq) => `thread-${seq}`);
    for (const listener of crowd) {
      const events = dataOf(await take(listener, all.length));
      expect(events.map(({ thread_id }) => thread_id)).toEqual(all);
    }
    const told = joined.flatMap((text) => JSON.parse(text) as { event: LiveEvent | null }[]);
    expect(told.flatMap(({ event }) => event?.threadId ?? [])).toEqual(all);
    await Promise.all(crowd.map((listener) => listener.cancel()));
  });

  it("tell of messages, of what waits and of modes, in order and with growing ids", async () => {
    const chat = await newTalk();
    const listener = await listen(chat.project);
    const thread = chat.thread();
    await thread.ask("hi");
    await thread.setMode("manual");
    const events = await take(listener, EXCHANGE + 1);
    expect(dataOf(events)).toEqual([
      ...exchangeIn(thread),
      { thread_id: thread.id, type: "mode_changed", mode: "manual" },
    ]);
    const messages = await thread.messages();
    expect(dataOf(events).flatMap(({ message_id }) => message_id ?? [])).toEqual(messages.map(({ id }) => id));
    const ids = idsOf(events);
    expect(ids.slice(1).every((id, index) => isLater(id, ids[index]!))).toBe(true);
    await listener.cancel();
  });

  it("come from all its threads, and from no other project's", async () => {
    const [mine, theirs] = [await newTalk(), await newTalk()];
    const listener = await listen(mine.project);
    await theirs.thread("theirs").ask("hi");
    await mine.thread("a").ask("hi");
    await mine.thread("b").ask("hi");
    const events = dataOf(await take(listener, 2 * EXCHANGE));
    expect(events).toEqual([...exchangeIn(mine.thread("a")), ...exchangeIn(mine.thread("b"))]);
    await listener.cancel();
  });

  it("come as they happen: a question is told before it is answered", async () => {
    const held = new HeldAnswer();
    const chat = await newChat(new FakeModel(held.answer));
    const listener = await listen(chat.project);
    const thread = chat.thread();
    const asked = thread.ask("hi");
    expect(dataOf(await take(listener, 2))).toEqual(exchangeIn(thread).slice(0, 2));
    held.say("Hello.");
    held.end();
    await asked;
    expect(dataOf(await take(listener, 2))).toEqual(exchangeIn(thread).slice(2));
    await listener.cancel();
  });

  it("are told once, even when a thread repeats what it has told", async () => {
    const chat = await newTalk();
    const listener = await listen(chat.project);
    const [told, next] = ["manual", "auto"].map((mode) => ({ threadId: "t1", type: "mode-changed" as const, mode }));
    const batch = (source: string, seq: number, event: object) => [{ source, seq, events: [event as LiveEvent] }];
    await feedOf(chat).publish(batch("t1", 1, told!));
    await feedOf(chat).publish(batch("t1", 1, told!));
    await feedOf(chat).publish(batch("t1", 2, next!));
    expect(dataOf(await take(listener, 2)).map(({ mode }) => mode)).toEqual(["manual", "auto"]);
    await listener.cancel();
  });

  it("are told once, even when it is repeated long after, when the event itself is forgotten", async () => {
    const chat = await newTalk();
    const event = (threadId: string) => ({ threadId, type: "mode-changed", mode: "manual" }) as LiveEvent;
    const batches = Array.from({ length: 1200 }, (_, index) => ({
      source: "t2",
      seq: index + 1,
      events: [event("t2")],
    }));
    await feedOf(chat).publish([{ source: "t1", seq: 1, events: [event("t1")] }, ...batches]);
    const listener = await listen(chat.project);
    await feedOf(chat).publish([{ source: "t1", seq: 1, events: [event("t1")] }]);
    await feedOf(chat).publish([{ source: "t3", seq: 1, events: [event("t3")] }]);
    expect(dataOf(await take(listener, 1))).toMatchObject([{ thread_id: "t3" }]);
    await listener.cancel();
  });

  it("count what waits for an operator, and tell when the operator has answered", async () => {
    const chat = await newTalk();
    const thread = chat.thread();
    await thread.ask("hi");
    await thread.setMode("manual");
    const listener = await listen(chat.project);
    await thread.ask("one");
    await thread.ask("two");
    await thread.send("This is Ann.");
    const events = dataOf(await take(listener, 6));
    expect(events.flatMap(({ pending_count }) => pending_count ?? [])).toEqual([1, 2, 0]);
    expect(events.flatMap(({ role }) => role ?? [])).toEqual(["user", "user", "assistant"]);
    await listener.cancel();
  });
});

describe.each([
  { of: "a project", path: () => "/threads/events" },
  { of: "a thread", path: (thread: Thread) => `/threads/events/${thread.id}` },
])("a listener of $of", ({ path }) => {
  it("that comes back is told exactly what it missed, and then what happens", async () => {
    const chat = await newTalk();
    const thread = chat.thread();
    await thread.ask("hi");
    const first = await listen(chat.project, path(thread), { "last-event-id": "0.0" });
    await thread.ask("again");
    const all = await take(first, 2 * EXCHANGE);
    await first.cancel();
    for (const [index, { id }] of all.slice(0, -1).entries()) {
      const returned = await listen(chat.project, path(thread), { "last-event-id": id! });
      expect(await take(returned, all.length - index - 1)).toEqual(all.slice(index + 1));
      await returned.cancel();
    }
    const last = await listen(chat.project, path(thread), { "last-event-id": all.at(-1)!.id! });
    await thread.setMode("manual");
    expect(dataOf(await take(last, 1))).toMatchObject([{ type: "mode_changed" }]);
    await last.cancel();
  });

  it("knows from the start where it is, so that nothing is lost when it is cut off before the first event", async () => {
    const chat = await newTalk();
    const thread = chat.thread();
    await thread.ask("hi");
    const response = await chat.project.fetch("GET", path(thread));
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const [, id] = /^id: (\S+)\n\n$/.exec((await reader.read()).value!)!;
    await reader.cancel();
    await thread.setMode("manual");
    const listener = await listen(chat.project, path(thread), { "last-event-id": id! });
    expect(dataOf(await take(listener, 1))).toMatchObject([{ type: "mode_changed", mode: "manual" }]);
    await listener.cancel();
  });

  it("never hears an id before the events that belong to it", async () => {
    const chat = await newTalk();
    const thread = chat.thread();
    await thread.ask("hi");
    const response = await chat.project.fetch("GET", path(thread), undefined, { "last-event-id": "0.0" });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while ((text.match(/^data: /gm) ?? []).length < EXCHANGE) text += (await reader.read()).value!;
    await reader.cancel();
    const ids = [...text.matchAll(/^id: (\S+)$/gm)].map(([, id]) => id!);
    expect(ids.slice(1).filter((id, index) => isLater(ids[index]!, id))).toEqual([]);
  });

  it("is told all that is kept when it names an id that there never was", async () => {
    const chat = await newTalk();
    const thread = chat.thread();
    await thread.ask("hi");
    const listener = await listen(chat.project, path(thread), { "last-event-id": "nonsense" });
    expect(dataOf(await take(listener, EXCHANGE))).toEqual(exchangeIn(thread));
    await listener.cancel();
  });

  it("stays connected while the objects behind it are evicted", async () => {
    const chat = await newTalk();
    const thread = chat.thread();
    await thread.ask("hi");
    const listener = await listen(chat.project, path(thread));
    for (const mode of ["manual", "auto"]) {
      await evictDurableObject(feedOf(chat));
      await evictDurableObject(objectOf(thread));
      await thread.setMode(mode);
      expect(dataOf(await take(listener, 1))).toEqual([{ thread_id: thread.id, type: "mode_changed", mode }]);
    }
    await listener.cancel();
  });
});

describe("live events of a thread", () => {
  it("are this thread's only", async () => {
    const chat = await newTalk();
    await chat.thread("a").ask("hi");
    await chat.thread("b").ask("hi");
    const listener = await listen(chat.project, "/threads/events/a");
    await chat.thread("b").ask("not for you");
    await chat.thread("a").ask("for you");
    expect(dataOf(await take(listener, EXCHANGE))).toEqual(exchangeIn(chat.thread("a")));
    await listener.cancel();
  });

  it("end when the thread is deleted", async () => {
    const chat = await newTalk();
    const thread = chat.thread();
    await thread.ask("hi");
    const listener = await listen(chat.project, `/threads/events/${thread.id}`);
    await chat.project.post(`${thread.path}/delete`);
    expect(await listener.next()).toBeNull();
  });

  it("are not there for a thread that does not exist, or is another project's", async () => {
    const [mine, theirs] = [await newProject(), await newTalk()];
    await theirs.thread("t1").ask("hi");
    expect((await mine.get("/threads/events/t1")).status).toBe(404);
    expect((await theirs.project.get("/threads/events/t2")).status).toBe(404);
  });
});
