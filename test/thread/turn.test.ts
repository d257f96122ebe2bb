import { describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { transactionsOf, TURN_COST } from "../helpers/money.ts";
import { newChat, readAnswer } from "../helpers/project.ts";
import {
  callsTool,
  chunk,
  endChunks,
  FakeModel,
  fails,
  HeldAnswer,
  says,
  sends,
  textChunk,
} from "../helpers/upstream.ts";

describe("a turn", () => {
  it("streams the model's words in the API's own events, and stores both messages", async () => {
    const model = new FakeModel(says("Within ", "30 days."));
    const thread = (await newChat(model, { instruction: "Be brief." })).thread();
    const { text, events } = await thread.ask("What is your return policy?");
    expect(events).toEqual([
      { type: "text-delta", textDelta: "Within " },
      { type: "text-delta", textDelta: "30 days." },
      { type: "finish", finishReason: "stop" },
    ]);
    expect(text).toBe("Within 30 days.");
    expect(await thread.messages()).toMatchObject([
      { role: "user", content: "What is your return policy?", status: "complete" },
      {
        role: "assistant",
        content: "Within 30 days.",
        status: "complete",
        usage: { input_tokens: 7, output_tokens: 3 },
      },
    ]);
    expect(model.requests[0]!.messages).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "What is your return policy?" },
    ]);
  });

  it("sends the bot's model settings with the request", async () => {
    const model = new FakeModel(says("ok"));
    const settings = { temperature: 0.2, max_tokens: 55, top_p: 0.9, frequency_penalty: 1, presence_penalty: -1 };
    await (await newChat(model, { model: settings })).thread().ask("hi");
    expect(model.requests[0]).toMatchObject({ ...settings, model: model.name, stream: true });
  });

  it("remembers as many earlier messages as the bot's settings say", async () => {
    const model = new FakeModel(says("A1"), says("A2"), says("A3"));
    const thread = (await newChat(model, { memory: { lastMessages: 2 } })).thread();
    for (const question of ["Q1", "Q2", "Q3"]) await thread.ask(question);
    expect(model.requests[2]!.messages.map(({ content }) => content)).toEqual(["Q2", "A2", "Q3"]);
  });

  it("forgets everything with lastMessages 0", async () => {
    const model = new FakeModel(says("A"));
    const thread = (await newChat(model, { memory: { lastMessages: 0 } })).thread();
    for (const question of ["Q1", "Q2"]) await thread.ask(question);
    expect(model.requests[1]!.messages.map(({ content }) => content)).toEqual(["Q2"]);
  });

  it("removes emojis and Markdown from the stream as from what is stored", async () => {
    const model = new FakeModel(says("Hi 👋 **th", "ere**, see `co", "de`"));
    const formatting = { removeEmojis: true, removeMarkdown: true };
    const thread = (await newChat(model, { formatting })).thread();
    const { text } = await thread.ask("hello");
    expect(text).toBe("Hi there, see code");
    expect((await thread.messages())[1]!.content).toBe(text);
  });

  it("says that the answer was cut off by its length", async () => {
    const model = new FakeModel(sends(textChunk("Once upon"), endChunks("length")));
    const { events } = await (await newChat(model)).thread().ask("a story");
    expect(events.at(-1)).toEqual({ type: "finish", finishReason: "length" });
  });

  it("titles the thread after its first exchange", async () => {
    const model = new FakeModel(says("Sure."), says('"Returning: a book"'));
    const thread = (await newChat(model, { memory: { generateTitle: true } })).thread();
    await thread.ask("How do I return a book?");
    await expect.poll(async () => (await thread.get()).json.title).toBe("Returning a book");
    await expect
      .poll(async () => (await thread.chat.project.get("/threads")).json.data[0].title)
      .toBe("Returning a book");
  });
});

it("charges nothing for a title that the model refused to write", async () => {
  const model = new FakeModel(says("Sure."), fails(400), says("Sure."), fails(400));
  const chat = await newChat(model, { memory: { generateTitle: true } });
  await chat.thread().ask("hi");
  await eventually(() => expect(model.requests).toHaveLength(2));
  await chat.thread("next").ask("hi");
  await eventually(async () => expect(await transactionsOf(chat.project)).toHaveLength(3));
  const amounts = (await transactionsOf(chat.project)).map(({ amount }) => amount);
  expect(amounts).toEqual([1_000_000, -TURN_COST, -TURN_COST]);
});

describe("working memory", () => {
  it("is written by the model, shown to it in the next turn, and hidden from the conversation", async () => {
    const model = new FakeModel(
      callsTool("update_working_memory", { memory: "- First name: Ann" }),
      says("Nice to meet you."),
      says("You are Ann."),
    );
    const thread = (await newChat(model, { memory: { workingMemory: { enabled: true } } })).thread();
    for (const _ of ["as it is made", "as it was stored"]) {
      const { events } = await readAnswer(await thread.stream("I am Ann", { "idempotency-key": "ann" }));
      expect(events.map(({ type }) => type)).toEqual(["text-delta", "finish"]);
    }
    expect((await thread.chat.project.get(`/threads/${thread.id}/memory`)).json).toEqual({
      content: "- First name: Ann",
    });
    expect((await thread.messages()).map(({ role }) => role)).toEqual(["user", "assistant"]);
    await thread.ask("Who am I?");
    expect(model.requests[2]!.messages[0]!.content).toContain("- First name: Ann");
  });

  it("is null while there is none", async () => {
    const thread = (await newChat(new FakeModel(says("ok")))).thread();
    await thread.ask("hi");
    expect((await thread.chat.project.get(`/threads/${thread.id}/memory`)).json).toEqual({ content: null });
  });
});

describe("tools", () => {
  it("are offered only when the bot's settings list them", async () => {
    const model = new FakeModel(says("ok"));
    await (await newChat(model)).thread().ask("hi");
    expect(model.requests[0]!.tools).toBeUndefined();
    const listed = new FakeModel(says("ok"));
    await (await newChat(listed, { tools: { handoff_to_operator: "auto", unknown: "auto" } })).thread().ask("hi");
    expect(listed.requests[0]!.tools!.map((tool) => tool.function.name)).toEqual(["handoff_to_operator"]);
  });

  it("hand over to an operator after the bot's closing words", async () => {
    const model = new FakeModel(callsTool("handoff_to_operator", { reason: "angry" }), says("A colleague will help."));
    const thread = (await newChat(model, { tools: { handoff_to_operator: "auto" } })).thread();
    const { events } = await thread.ask("I want a human");
    expect(events).toEqual([
      { type: "tool-call", toolCallId: "call_1", toolName: "handoff_to_operator", args: { reason: "angry" } },
      { type: "tool-result", toolCallId: "call_1", toolName: "handoff_to_operator", result: { handed_over: true } },
      { type: "text-delta", textDelta: "A colleague will help." },
      { type: "finish", finishReason: "stop" },
    ]);
    expect((await thread.get()).json).toMatchObject({ mode: "manual", pending_count: 0 });
    const messages = await thread.messages();
    expect(messages.map(({ role }) => role)).toEqual(["user", "tool", "assistant"]);
    expect(JSON.parse(messages[1]!.content)).toEqual({
      toolName: "handoff_to_operator",
      args: { reason: "angry" },
      result: { handed_over: true },
    });
  });

  it("tell the model what was wrong with its call", async () => {
    const model = new FakeModel(callsTool("handoff_to_operator", { why: 1 }), says("Sorry."));
    const thread = (await newChat(model, { tools: { handoff_to_operator: "auto" } })).thread();
    await thread.ask("human please");
    expect(model.requests[1]!.messages.at(-1)).toMatchObject({ role: "tool", tool_call_id: "call_1" });
    expect(model.requests[1]!.messages.at(-1)!.content).toContain("Wrong arguments");
    expect((await thread.get()).json.mode).toBe("auto");
  });

  it("end after eight steps, of which the last may only speak", async () => {
    const model = new FakeModel(callsTool("handoff_to_operator", { why: 1 }));
    const thread = (await newChat(model, { tools: { handoff_to_operator: "auto" } })).thread();
    await thread.ask("human please");
    expect(model.requests.length).toBeLessThanOrEqual(9);
    expect(model.requests.at(-1)!.tools).toBeUndefined();
  });
});

describe("a model that fails", () => {
  it("is called again before the first word, as its Retry-After asks", async () => {
    const model = new FakeModel(fails(500), fails(429, { "retry-after": "0" }), says("At last."));
    expect((await (await newChat(model)).thread().ask("hi")).text).toBe("At last.");
    expect(model.requests).toHaveLength(3);
  });

  it.each([
    { title: "an error", answer: fails(500), status: 502 },
    { title: "a missing key", answer: fails(401), status: 502, calls: 1 },
    { title: "too much traffic", answer: fails(429, { "retry-after": "0" }), status: 503 },
    { title: "too much traffic for long", answer: fails(429, { "retry-after": "3600" }), status: 503, calls: 1 },
    {
      title: "no credit",
      answer: fails(429, {}, { code: "insufficient_quota", message: "pay" }),
      status: 502,
      calls: 1,
    },
    { title: "a web page", answer: sends("<html>", "<body>busy</body>"), status: 502 },
    { title: "an empty answer", answer: sends(endChunks()), status: 502, calls: 1 },
    { title: "an answer that is malformed", answer: sends("data: {nope\n\n"), status: 502 },
    { title: "an error in its stream", answer: sends(chunk({ error: { message: "overloaded" } })), status: 502 },
  ])("answers $title with $status, and the thread can be used again", async ({ answer, status, calls = 3 }) => {
    const model = new FakeModel(...Array.from({ length: calls }, () => answer), says("Better now."));
    const thread = (await newChat(model)).thread();
    const failed = await thread.stream("hi");
    expect(failed.status).toBe(status);
    expect(await failed.json()).toMatchObject({ statusCode: status, message: expect.any(String) });
    expect(failed.headers.get("retry-after") ?? "").toMatch(status === 503 ? /^[1-9]\d*$/ : /^$/);
    expect(model.requests).toHaveLength(calls);
    expect((await thread.ask("again")).text).toBe("Better now.");
    expect((await thread.messages()).map(({ status: state }) => state)).toEqual([
      "complete",
      "failed",
      "complete",
      "complete",
    ]);
  });

  it("hands over to the next of its fallbacks", async () => {
    const fallback = new FakeModel(says("I can."));
    const model = new FakeModel(fails(401));
    const thread = (await newChat(model, { model: { fallbacks: [fallback.id] } })).thread();
    expect((await thread.ask("hi")).text).toBe("I can.");
    expect((await thread.messages())[1]!.usage!.model).toBe(fallback.id);
  });

  it.each([
    { title: "breaks off", raw: "" },
    { title: "goes on malformed", raw: "data: {nope\n\n" },
    { title: "turns into a web page", raw: "<html></html>" },
    { title: "reports an error", raw: chunk({ error: { message: "overloaded" } }) },
  ])("after the first word, when its stream $title, leaves what was said and an error", async ({ raw }) => {
    const model = new FakeModel(sends(textChunk("Half an "), raw));
    const thread = (await newChat(model)).thread();
    const { events } = await thread.ask("hi");
    expect(events).toEqual([
      { type: "text-delta", textDelta: "Half an " },
      { type: "error", error: expect.any(String) },
    ]);
    expect((await thread.messages())[1]).toMatchObject({ content: "Half an ", status: "interrupted" });
    expect(model.requests).toHaveLength(1);
  });

  it("is given up when it is silent for too long, before its first word and between two", async () => {
    const silent = new FakeModel(new HeldAnswer().answer);
    expect((await (await newChat(silent)).thread().stream("hi")).status).toBe(502);
    const held = new HeldAnswer();
    const thread = (await newChat(new FakeModel(held.answer))).thread();
    held.say("One");
    const { events } = await thread.ask("hi");
    expect(events.at(-1)).toMatchObject({ type: "error" });
    expect((await thread.messages())[1]).toMatchObject({ content: "One", status: "interrupted" });
    expect(held.aborted).toBe(true);
  });

  it("is named with what is missing when its provider is not configured", async () => {
    const thread = (await newChat(undefined, { model: { id: "workers-ai/@cf/meta/llama" } })).thread();
    const response = await thread.stream("hi");
    expect(response.status).toBe(502);
    expect(await response.text()).toContain("the AI binding is not set");
  });

  it("never shows what an upstream's error says beyond its message", async () => {
    const model = new FakeModel(fails(400, {}, { message: "bad temperature", secret: "upstream-key" }));
    const text = await (await (await newChat(model)).thread().stream("hi")).text();
    expect(text).toContain("bad temperature");
    expect(text).not.toContain("upstream-key");
  });
});
