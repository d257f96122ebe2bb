import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { newChat, readAnswer, type Thread } from "../helpers/project.ts";
import { SseReader } from "../helpers/sse.ts";
import { FakeModel, HeldAnswer, says } from "../helpers/upstream.ts";

/** A thread whose bot has begun to answer, and the reader of that answer. */
async function midAnswer() {
  const held = new HeldAnswer();
  const model = new FakeModel(held.answer, says("Second answer."));
  const thread = (await newChat(model)).thread();
  held.say("Half an ");
  const reader = new SseReader(await thread.stream("hi"));
  expect(await reader.json()).toMatchObject({ textDelta: "Half an " });
  return { held, model, thread, reader };
}

const conversation = async (thread: Thread) =>
  (await thread.messages()).map(({ role, content, status }) => `${role} ${status}: ${content}`);

describe("a takeover in the middle of an answer", () => {
  it.each(["manual", "operator", "blocked"])("ends it with what was said: %s", async (mode) => {
    const { held, thread, reader } = await midAnswer();
    expect((await thread.setMode(mode)).json).toEqual({ mode });
    expect((await reader.rest()).map(({ data }) => JSON.parse(data))).toEqual([
      { type: "finish", finishReason: "stop" },
    ]);
    expect(await conversation(thread)).toEqual(["user complete: hi", "assistant stopped: Half an "]);
    await scheduler.wait(20);
    expect(held.aborted).toBe(true);
    held.say("answer");
    held.end();
    await scheduler.wait(100);
    expect(await conversation(thread)).toEqual(["user complete: hi", "assistant stopped: Half an "]);
  });

  it("leaves no trace of an answer that had said nothing", async () => {
    const held = new HeldAnswer();
    const thread = (await newChat(new FakeModel(held.answer))).thread();
    const streaming = thread.stream("hi");
    await eventually(async () => expect(await conversation(thread)).toHaveLength(2));
    await thread.setMode("manual");
    expect((await readAnswer(await streaming)).events).toEqual([{ type: "finish", finishReason: "stop" }]);
    expect(await conversation(thread)).toEqual(["user complete: hi"]);
    expect((await thread.get()).json).toMatchObject({ pending_count: 1, stats: { messages_total: 1 } });
  });

  it("silences those that wait behind it, too", async () => {
    const { model, thread } = await midAnswer();
    const waiting = thread.stream("and another thing");
    await eventually(async () => expect(await conversation(thread)).toHaveLength(4));
    await thread.setMode("manual");
    expect((await readAnswer(await waiting)).text).toBe("");
    expect(await conversation(thread)).toEqual([
      "user complete: hi",
      "assistant stopped: Half an ",
      "user complete: and another thing",
    ]);
    expect(model.requests).toHaveLength(1);
  });

  it("is not undone by going back to auto: only new messages are answered", async () => {
    const { model, thread } = await midAnswer();
    await thread.setMode("manual");
    await thread.setMode("auto");
    expect(model.requests).toHaveLength(1);
    expect((await thread.ask("still there?")).text).toBe("Second answer.");
  });

  it("does nothing to an answer when the mode is what it was", async () => {
    const { held, thread, reader } = await midAnswer();
    await thread.setMode("auto");
    held.say("answer.");
    held.end();
    expect(await reader.json()).toMatchObject({ textDelta: "answer." });
    await reader.rest();
    expect(await conversation(thread)).toEqual(["user complete: hi", "assistant complete: Half an answer."]);
  });

  it("is told to the feed after the last the bot said", async () => {
    const { thread } = await midAnswer();
    const feed = new SseReader(await thread.chat.project.fetch("GET", `/threads/events/${thread.id}`));
    await thread.setMode("manual");
    expect(await feed.json()).toMatchObject({ type: "message_created", role: "assistant", status: "stopped" });
    expect(await feed.json()).toMatchObject({ type: "pending_count", pending_count: 0 });
    expect(await feed.json()).toMatchObject({ type: "mode_changed", mode: "manual" });
    await feed.cancel();
  });
});

describe("in manual mode", () => {
  it("what a person writes is kept and not answered; the operator's reply is the answer", async () => {
    const model = new FakeModel(says("I am a bot."));
    const thread = (await newChat(model)).thread();
    await thread.ask("hi");
    await thread.setMode("manual");
    expect((await thread.ask("are you real?")).events).toEqual([{ type: "finish", finishReason: "stop" }]);
    expect((await thread.get()).json).toMatchObject({ mode: "manual", pending_count: 1 });
    const { status, json } = await thread.send("I am.");
    expect(status).toBe(200);
    expect(json).toMatchObject({ role: "assistant", content: "I am.", metadata: { author: "operator" } });
    expect((await thread.get()).json.pending_count).toBe(0);
    await thread.setMode("auto");
    await thread.ask("thanks");
    expect(model.requests).toHaveLength(2);
    expect(model.requests[1]!.messages.map(({ content }) => content)).toEqual([
      "hi",
      "I am a bot.",
      "are you real?",
      "I am.",
      "thanks",
    ]);
  });

  it.each(["auto", "operator", "blocked"])("alone may an operator send: not in %s", async (mode) => {
    const thread = (await newChat(new FakeModel(says("ok")))).thread();
    await thread.ask("hi");
    await thread.setMode(mode);
    expect((await thread.send("hello")).status).toBe(409);
    expect(await thread.messages()).toHaveLength(2);
  });
});

it("never lets a bot speak after an acknowledged takeover, whenever it comes", { timeout: 60_000 }, async () => {
  const chat = await newChat(new FakeModel(says("one ", "two ", "three ", "four ")));
  const run = fc.asyncProperty(
    fc.integer({ min: 0, max: 12 }),
    fc.constantFrom("manual", "operator"),
    async (ticks, mode) => {
      const thread = chat.thread();
      const answer = thread.stream("hi").then(readAnswer);
      await eventually(async () => expect((await thread.get()).status).toBe(200));
      for (let tick = 0; tick < ticks; tick++) await scheduler.wait(1);
      await thread.setMode(mode);
      const atTakeover = await conversation(thread);
      const { text } = await answer;
      await scheduler.wait(5);
      expect(await conversation(thread)).toEqual(atTakeover);
      const said = (await thread.messages()).find(({ role }) => role === "assistant")?.content ?? "";
      expect(said).toBe(text);
    },
  );
  await fc.assert(run, { numRuns: 40 });
});
