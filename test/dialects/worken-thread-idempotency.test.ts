import { afterEach, describe, expect, it, vi } from "vitest";
import { newChat, readAnswer, type Thread } from "../helpers/project.ts";
import { HOUR, pass } from "../helpers/schedules.ts";
import { SseReader } from "../helpers/sse.ts";
import { FakeModel, HeldAnswer, says } from "../helpers/upstream.ts";

afterEach(() => void vi.useRealTimers());

const keyed = (key: string) => ({ "idempotency-key": key });
const post = (thread: Thread, verb: string, body: unknown, key: string) =>
  thread.chat.project.post(`${verb === "send" ? `/threads/${thread.id}` : thread.path}/${verb}`, body, keyed(key));
const contentsOf = async (thread: Thread) => (await thread.messages()).map(({ content }) => content);

async function newThread(...answers: ConstructorParameters<typeof FakeModel>) {
  const model = new FakeModel(...(answers.length > 0 ? answers : [says("One."), says("Two.")]));
  return { model, thread: (await newChat(model)).thread() };
}

describe("a streamed message with an Idempotency-Key", () => {
  it("is stored and answered once; a repetition streams the same answer again", async () => {
    const { model, thread } = await newThread();
    const responses = [await thread.stream("hi", keyed("k")), await thread.stream("hi", keyed("k"))];
    const ids = responses.map(({ headers }) => headers.get("x-message-id"));
    const answers = await Promise.all(responses.map(readAnswer));
    expect(ids[0]).toMatch(/\S/);
    expect(ids[1]).toBe(ids[0]);
    expect(answers.map(({ text }) => text)).toEqual(["One.", "One."]);
    expect(answers[1]!.events).toEqual(answers[0]!.events);
    expect(await contentsOf(thread)).toEqual(["hi", "One."]);
    expect(model.requests).toHaveLength(1);
  });

  it("joins the answer that is being written", async () => {
    const held = new HeldAnswer();
    const { model, thread } = await newThread(held.answer);
    const asking = thread.stream("hi", keyed("k"));
    held.say("Once upon ");
    const first = new SseReader(await asking);
    const second = new SseReader(await thread.stream("hi", keyed("k")));
    for (const reader of [first, second]) expect(await reader.json()).toMatchObject({ textDelta: "Once upon " });
    held.say("a time.");
    held.end();
    for (const reader of [first, second]) {
      expect((await reader.rest()).map(({ data }) => JSON.parse(data))).toEqual([
        { type: "text-delta", textDelta: "a time." },
        { type: "finish", finishReason: "stop" },
      ]);
    }
    expect(await contentsOf(thread)).toEqual(["hi", "Once upon a time."]);
    expect(model.requests).toHaveLength(1);
  });

  it("is stored once by ten who send it in the same moment, all of whom read the answer", async () => {
    const { model, thread } = await newThread();
    const responses = await Promise.all(Array.from({ length: 10 }, () => thread.stream("hi", keyed("k"))));
    expect(new Set(responses.map(({ headers }) => headers.get("x-message-id"))).size).toBe(1);
    const answers = await Promise.all(responses.map(readAnswer));
    expect(answers.map(({ text }) => text)).toEqual(answers.map(() => "One."));
    expect(await contentsOf(thread)).toEqual(["hi", "One."]);
    expect(model.requests).toHaveLength(1);
  });

  it("is refused when the key came with another message", async () => {
    const { model, thread } = await newThread();
    await readAnswer(await thread.stream("hi", keyed("k")));
    const body = { messages: [{ role: "user", content: "something else" }] };
    expect((await post(thread, "stream", body, "k")).status).toBe(422);
    expect(await contentsOf(thread)).toEqual(["hi", "One."]);
    expect(model.requests).toHaveLength(1);
  });

  it("is a new message under another key, and in another thread", async () => {
    const { thread } = await newThread();
    await readAnswer(await thread.stream("hi", keyed("k1")));
    await readAnswer(await thread.stream("hi", keyed("k2")));
    expect(await contentsOf(thread)).toEqual(["hi", "One.", "hi", "Two."]);
    const other = thread.chat.thread();
    await readAnswer(await other.stream("hi", keyed("k1")));
    expect(await contentsOf(other)).toEqual(["hi", "Two."]);
  });

  it("is a new message after a day", async () => {
    const { thread } = await newThread();
    const ask = async () => readAnswer(await thread.stream("hi", keyed("k")));
    await ask();
    pass(23.9 * HOUR);
    expect((await ask()).text).toBe("One.");
    pass(0.2 * HOUR);
    expect((await ask()).text).toBe("Two.");
    expect(await contentsOf(thread)).toEqual(["hi", "One.", "hi", "Two."]);
  });

  it("is stored once where nobody answers it", async () => {
    const { thread } = await newThread();
    await thread.ask("hi");
    await thread.setMode("manual");
    for (const _ of [1, 2]) {
      const { events } = await readAnswer(await thread.stream("anyone?", keyed("k")));
      expect(events).toEqual([{ type: "finish", finishReason: "stop" }]);
    }
    expect(await contentsOf(thread)).toEqual(["hi", "One.", "anyone?"]);
  });

  it("is nothing to a thread that was deleted and began again", async () => {
    const { thread } = await newThread();
    await readAnswer(await thread.stream("hi", keyed("k")));
    await thread.chat.project.post(`${thread.path}/delete`);
    expect((await readAnswer(await thread.stream("hi", keyed("k")))).text).toBe("Two.");
    expect(await contentsOf(thread)).toEqual(["hi", "Two."]);
  });
});

describe("an operator's message with an Idempotency-Key", () => {
  it("is sent once, also when the thread has left manual mode meanwhile", async () => {
    const { thread } = await newThread();
    await thread.ask("hi");
    await thread.setMode("manual");
    const first = await post(thread, "send", { text: "This is Ann." }, "k");
    const twins = await Promise.all([1, 2, 3].map(() => post(thread, "send", { text: "This is Ann." }, "k")));
    await thread.setMode("auto");
    const late = await post(thread, "send", { text: "This is Ann." }, "k");
    for (const repeated of [...twins, late]) expect([repeated.status, repeated.json]).toEqual([200, first.json]);
    expect(await contentsOf(thread)).toEqual(["hi", "One.", "This is Ann."]);
  });

  it("is refused when the key came with another text", async () => {
    const { thread } = await newThread();
    await thread.ask("hi");
    await thread.setMode("manual");
    await post(thread, "send", { text: "This is Ann." }, "k");
    expect((await post(thread, "send", { text: "This is Bob." }, "k")).status).toBe(422);
    expect(await thread.messages()).toHaveLength(3);
  });
});

describe("a change of mode with an Idempotency-Key", () => {
  it("is made once: a late repetition does not undo what came after it", async () => {
    const { thread } = await newThread();
    await thread.ask("hi");
    expect(await post(thread, "mode", { mode: "manual" }, "k")).toMatchObject({
      status: 200,
      json: { mode: "manual" },
    });
    await thread.setMode("auto");
    expect(await post(thread, "mode", { mode: "manual" }, "k")).toMatchObject({
      status: 200,
      json: { mode: "manual" },
    });
    expect((await thread.get()).json.mode).toBe("auto");
  });

  it("is refused when the key came with another mode", async () => {
    const { thread } = await newThread();
    await thread.ask("hi");
    await post(thread, "mode", { mode: "manual" }, "k");
    expect((await post(thread, "mode", { mode: "blocked" }, "k")).status).toBe(422);
    expect((await thread.get()).json.mode).toBe("manual");
  });
});

describe("a stop with an Idempotency-Key", () => {
  it("stops the answer it was meant for, and a late repetition no other", async () => {
    const [first, second] = [new HeldAnswer(), new HeldAnswer()];
    const { thread } = await newThread(first.answer, second.answer);
    const stopped = thread.stream("one");
    first.say("Once ");
    await readerOf(await stopped).next();
    expect(await post(thread, "stop", undefined, "k")).toMatchObject({ status: 200, json: { stopped: true } });
    const going = thread.stream("two");
    second.say("Twice ");
    const reader = readerOf(await going);
    expect(await post(thread, "stop", undefined, "k")).toMatchObject({ status: 200, json: { stopped: true } });
    second.say("upon a time.");
    second.end();
    const events = (await reader.rest()).map(({ data }) => JSON.parse(data).textDelta ?? "");
    expect(events.join("")).toBe("Twice upon a time.");
    expect(await contentsOf(thread)).toEqual(["one", "Once ", "two", "Twice upon a time."]);
  });
});

const readerOf = (response: Response) => new SseReader(response);
