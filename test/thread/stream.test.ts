import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { newChat, readAnswer } from "../helpers/project.ts";
import { SseReader, type SseEvent } from "../helpers/sse.ts";
import { FakeModel, HeldAnswer, says } from "../helpers/upstream.ts";

const json = (events: { data: string }[]) => events.map(({ data }) => JSON.parse(data));

/** A thread with an answer of which one piece was read; then the reader left. */
async function leftAlone() {
  const held = new HeldAnswer();
  const thread = (await newChat(new FakeModel(held.answer, says("Next.")))).thread();
  held.say("One ");
  const response = await thread.stream("hi");
  const reader = new SseReader(response);
  const first = (await reader.next())!;
  await reader.cancel();
  const resume = (lastEventId?: string, query = "") =>
    thread.chat.project.fetch(
      "GET",
      `${thread.path}/stream${query}`,
      undefined,
      lastEventId ? { "last-event-id": lastEventId } : {},
    );
  return { held, thread, first, resume, messageId: response.headers.get("x-message-id") };
}

describe("a reader who leaves", () => {
  it("does not stop the answer", async () => {
    const { held, thread } = await leftAlone();
    held.say("two.");
    held.end();
    await eventually(async () =>
      expect((await thread.messages())[1]).toMatchObject({ content: "One two.", status: "complete" }),
    );
    expect(held.aborted).toBe(false);
  });

  it("gets what he missed, and what is still to come, where he names the last he had", async () => {
    const { held, first, resume } = await leftAlone();
    held.say("two ");
    const reader = new SseReader(await resume(first.id!));
    expect(await reader.json()).toEqual({ type: "text-delta", textDelta: "two " });
    held.say("three.");
    held.end();
    expect(json(await reader.rest())).toEqual([
      { type: "text-delta", textDelta: "three." },
      { type: "finish", finishReason: "stop" },
    ]);
  });

  it("gets all of it where he names nothing", async () => {
    const { held, resume, messageId } = await leftAlone();
    const response = await resume();
    held.end();
    expect(response.headers.get("x-message-id")).toBe(messageId);
    expect((await readAnswer(response)).text).toBe("One ");
  });

  it("gets the rest of an answer that has ended meanwhile, and 204 where he names nothing", async () => {
    const { held, thread, first, resume } = await leftAlone();
    held.say("two.");
    held.end();
    await eventually(async () => expect((await thread.messages())[1]!.status).toBe("complete"));
    expect(json(await new SseReader(await resume(first.id!)).rest())).toEqual([
      { type: "text-delta", textDelta: "two." },
      { type: "finish", finishReason: "stop" },
    ]);
    expect((await resume()).status).toBe(204);
  });

  it("may be one of several: all read the same", async () => {
    const { held, resume } = await leftAlone();
    const readers = await Promise.all([resume(), resume(), resume("?protocol=ui")]);
    held.say("two.");
    held.end();
    const [a, b] = await Promise.all(readers.slice(0, 2).map(readAnswer));
    expect(a!.text).toBe("One two.");
    expect(b!.frames).toEqual(a!.frames);
  });

  it("gets an event whole that he had only half of, where one event is several chunks", async () => {
    const { held, resume } = await leftAlone();
    const reader = new SseReader(await resume(undefined, "?protocol=ui"));
    const had: SseEvent[] = [];
    while (!had.at(-1)?.data.includes("text-start")) had.push((await reader.next())!);
    await reader.cancel();
    const response = await resume(had.findLast(({ id }) => id !== null)!.id!, "?protocol=ui");
    held.end();
    expect(await response.text()).toContain('"delta":"One "');
  });
});

describe("stop", () => {
  it("ends the answer, keeps what it said, and stops the model", async () => {
    const { held, thread, resume } = await leftAlone();
    const reader = new SseReader(await resume());
    await reader.json();
    expect((await thread.chat.project.post(`${thread.path}/stop`)).json).toEqual({ stopped: true });
    expect(json(await reader.rest())).toEqual([{ type: "finish", finishReason: "stop" }]);
    expect((await thread.messages())[1]).toMatchObject({ content: "One ", status: "stopped" });
    await eventually(() => expect(held.aborted).toBe(true));
    expect((await thread.chat.project.post(`${thread.path}/stop`)).json).toEqual({ stopped: false });
  });

  it("gives those that wait their turn", async () => {
    const { thread } = await leftAlone();
    const waiting = thread.stream("next");
    await eventually(async () => expect(await thread.messages()).toHaveLength(4));
    await thread.chat.project.post(`${thread.path}/stop`);
    expect((await readAnswer(await waiting)).text).toBe("Next.");
  });
});

describe("messages that come while an answer is written", () => {
  it("are answered one by one, each in the stream of its own request", async () => {
    const held = new HeldAnswer();
    const thread = (await newChat(new FakeModel(held.answer, says("B"), says("C")))).thread();
    const streams = [thread.stream("a")];
    await eventually(async () => expect(await thread.messages()).toHaveLength(2));
    for (const [index, text] of ["b", "c"].entries()) {
      streams.push(thread.stream(text));
      await eventually(async () => expect(await thread.messages()).toHaveLength(4 + 2 * index));
    }
    held.say("A");
    held.end();
    const answers = await Promise.all(streams.map(async (stream) => (await readAnswer(await stream)).text));
    expect(answers).toEqual(["A", "B", "C"]);
    expect((await thread.messages()).map(({ content }) => content)).toEqual(["a", "A", "b", "B", "c", "C"]);
  });

  it("are refused with 429 beyond fifty, and none that was accepted is lost", async () => {
    const held = new HeldAnswer();
    const thread = (await newChat(new FakeModel(held.answer, says("ok")))).thread();
    const streams = Array.from({ length: 60 }, (_, index) => thread.stream(`message ${index}`));
    await eventually(async () => expect(await thread.messages()).toHaveLength(100));
    held.say("ok");
    held.end();
    const responses = await Promise.all(streams);
    const refused = responses.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(10);
    for (const response of refused) expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
    const accepted = responses.filter(({ status }) => status === 200);
    const texts = await Promise.all(accepted.map(async (response) => (await readAnswer(response)).text));
    expect(texts).toEqual(Array.from({ length: 50 }, () => "ok"));
    expect(await thread.messages()).toHaveLength(100);
  }, 20_000);

  it("are refused with 429 while a project has as many answers being written as it may, and stored nowhere", async () => {
    const most = Number(env.CONCURRENT_TURNS_PER_PROJECT);
    const gate = { isOpen: false };
    const model = new FakeModel(async (request, signal) => {
      while (!gate.isOpen) await scheduler.wait(20);
      return says("ok")(request, signal);
    });
    const chat = await newChat(model);
    const streams = Array.from({ length: most }, () => chat.thread().stream("hi"));
    await eventually(async () => expect(model.requests).toHaveLength(most));
    const thread = chat.thread();
    const refused = await thread.stream("one too many");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect((await thread.get()).status).toBe(404);
    gate.isOpen = true;
    for (const stream of streams) expect((await readAnswer(await stream)).text).toBe("ok");
    expect((await thread.ask("now")).text).toBe("ok");
  });

  it("are joined to one answer in a chat that waits for the end of a burst", async () => {
    const model = new FakeModel(says("Both."));
    const thread = (await newChat(model, {}, { debounce_ms: 1000 })).thread();
    const first = thread.stream("one");
    await eventually(async () => expect(await thread.messages()).toHaveLength(2));
    const second = thread.stream("two");
    const answers = await Promise.all([first, second].map(async (stream) => readAnswer(await stream)));
    expect(answers.map(({ text }) => text)).toEqual(["Both.", "Both."]);
    expect(model.requests).toHaveLength(1);
    expect(model.requests[0]!.messages.map(({ content }) => content)).toEqual(["one", "two"]);
    expect((await thread.messages()).map(({ content }) => content)).toEqual(["one", "two", "Both."]);
  });
});

describe("an Idempotency-Key on a message", () => {
  it("stores it once, and streams the same answer again", async () => {
    const model = new FakeModel(says("Once."));
    const thread = (await newChat(model)).thread();
    const headers = { "idempotency-key": "k1" };
    const [first, again] = [await thread.stream("hi", headers), await thread.stream("hi", headers)];
    expect(again.headers.get("x-message-id")).toBe(first.headers.get("x-message-id"));
    expect((await readAnswer(again)).text).toBe((await readAnswer(first)).text);
    expect(await thread.messages()).toHaveLength(2);
    expect(model.requests).toHaveLength(1);
    expect((await thread.stream("something else", headers)).status).toBe(422);
  });

  it("joins twins that come at the same time", async () => {
    const held = new HeldAnswer();
    const thread = (await newChat(new FakeModel(held.answer))).thread();
    const streams = Array.from({ length: 5 }, () => thread.stream("hi", { "idempotency-key": "k1" }));
    held.say("Once.");
    held.end();
    const texts = await Promise.all(streams.map(async (stream) => (await readAnswer(await stream)).text));
    expect(texts).toEqual(Array.from({ length: 5 }, () => "Once."));
    expect(await thread.messages()).toHaveLength(2);
  });
});
