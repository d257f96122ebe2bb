import { abortAllDurableObjects } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { WorkenError, type Answer, type AnswerEvent, type Message } from "../../src/client/index.ts";
import { newChat } from "../helpers/project.ts";
import { fails, FakeModel, HeldAnswer, says } from "../helpers/upstream.ts";
import { breaking, clientOf, losing, newThread, scripted, type Break } from "./network.ts";

const hello = { messages: [{ role: "user" as const, content: "Hello" }] };
const pieces = ["Within ", "30 ", "days, ", "доставка ", "👩🏽‍💻 ", "included."];
const whole = pieces.join("");

async function readAll(answer: AsyncIterable<AnswerEvent> | null): Promise<AnswerEvent[]> {
  const events: AnswerEvent[] = [];
  for await (const event of answer ?? []) events.push(event);
  return events;
}

const next = async (answer: Answer) => (await answer[Symbol.asyncIterator]().next()).value;
const textIn = (events: AnswerEvent[]) => events.map(({ textDelta }) => textDelta ?? "").join("");

describe("an answer", () => {
  it("is what the documentation's example says", async () => {
    const { worken, thread, chatId } = await newThread(new FakeModel(says("Within ", "30 days.")));
    const threadId = thread.id;
    let written = "";
    const process = { stdout: { write: (text: string) => (written += text) } };

    const stream = await worken.chats.threads.stream(chatId, threadId, {
      messages: [{ role: "user", content: "What is your return policy?" }],
    });

    for await (const chunk of stream) {
      process.stdout.write(chunk.textDelta ?? "");
    }

    expect(written).toBe("Within 30 days.");
  });

  it("gives its events, its text and its message", async () => {
    const { worken, thread, chatId } = await newThread(new FakeModel(says("Within ", "30 days.")));
    const answer = await worken.chats.threads.stream(chatId, thread.id, hello);
    expect(answer.threadId).toBe(thread.id);
    expect(await next(answer)).toEqual({ type: "text-delta", textDelta: "Within " });
    expect(await answer.text()).toBe("Within 30 days.");
    expect(await answer.message()).toMatchObject({ id: answer.messageId, content: "Within 30 days." });
  });

  it.each<Break>(["error", "close"])(
    "comes whole, wherever its stream breaks (%s)",
    { timeout: 20_000 },
    async (how) => {
      const chat = await newChat(new FakeModel(says(...pieces)));
      const check = async (bytes: number) => {
        const worken = clientOf(chat.project.key, breaking([bytes, bytes], how));
        const events = await readAll(await worken.chats.threads.stream(chat.id, chat.thread().id, hello));
        expect(textIn(events), `broken after ${bytes} bytes`).toBe(whole);
        expect(events.at(-1)).toEqual({ type: "finish", finishReason: "stop" });
      };
      await Promise.all(Array.from({ length: 24 }, (_, index) => check(index * 21)));
    },
  );

  it("comes whole though its stream breaks again and again while it is made", { timeout: 20_000 }, async () => {
    const held = new HeldAnswer();
    const { worken, thread, chatId } = await newThread(new FakeModel(held.answer), breaking([150, 0, 200, 90]));
    const rest = pieces.map((piece) => [piece, "and ", "so "]);
    held.say(...rest.shift()!);
    let text = "";
    for await (const { textDelta } of await worken.chats.threads.stream(chatId, thread.id, hello)) {
      text += textDelta ?? "";
      const more = rest.shift();
      if (more) held.say(...more);
      else held.end();
    }
    expect(text).toBe(pieces.map((piece) => `${piece}and so `).join(""));
  });

  it("is asked for once, though the response to the request is lost", async () => {
    const model = new FakeModel(says("Yes."));
    const { worken, thread, chatId } = await newThread(model, losing("POST", 2));
    expect(await (await worken.chats.threads.stream(chatId, thread.id, hello)).text()).toBe("Yes.");
    expect(model.requests).toHaveLength(1);
    expect((await thread.messages()).map(({ content }) => content)).toEqual(["Hello", "Yes."]);
  });

  it("goes on when its reader leaves, and can be taken up again", async () => {
    const held = new HeldAnswer();
    const { worken, thread, chatId } = await newThread(new FakeModel(held.answer));
    const opened = worken.chats.threads.stream(chatId, thread.id, hello);
    held.say("One ");
    const left = await opened;
    for await (const { textDelta } of left) if (textDelta) break;
    const [anew, rest] = await Promise.all([
      worken.chats.threads.resume(chatId, thread.id),
      worken.chats.threads.resume(chatId, thread.id, { lastEventId: left.lastEventId! }),
    ]);
    held.say("two.");
    held.end();
    expect(await anew!.text()).toBe("One two.");
    expect(await rest!.text()).toBe("two.");
    expect(await worken.chats.threads.resume(chatId, thread.id)).toBeNull();
  });

  it("rejects when its signal aborts, and ends quietly when it is cancelled", async () => {
    const held = new HeldAnswer();
    const { worken, thread, chatId } = await newThread(new FakeModel(held.answer));
    const leaving = new AbortController();
    const opened = worken.chats.threads.stream(chatId, thread.id, hello, { signal: leaving.signal });
    held.say("One");
    const [aborted, cancelled] = [await opened, (await worken.chats.threads.resume(chatId, thread.id))!];
    for (const answer of [aborted, cancelled]) expect(await next(answer)).toMatchObject({ textDelta: "One" });
    const reading = [readAll(aborted), readAll(cancelled)];
    leaving.abort(new Error("gone"));
    cancelled.cancel();
    await expect(reading[0]).rejects.toThrow("gone");
    expect(await reading[1]).toEqual([]);
    held.end();
  });

  it("is stopped on the server only by a stop, and then ends well", async () => {
    const held = new HeldAnswer();
    const { worken, thread, chatId } = await newThread(new FakeModel(held.answer));
    const opened = worken.chats.threads.stream(chatId, thread.id, hello);
    held.say("One");
    const answer = await opened;
    expect(await next(answer)).toMatchObject({ textDelta: "One" });
    expect(await answer.stop()).toEqual({ stopped: true });
    expect(await answer.text()).toBe("One");
    expect(await answer.message()).toMatchObject({ status: "stopped", content: "One" });
  });

  it("is an error where the model fails before a word, and nothing is asked again", async () => {
    const model = new FakeModel(fails(400));
    const { worken, thread, chatId } = await newThread(model);
    await expect(worken.chats.threads.stream(chatId, thread.id, hello)).rejects.toMatchObject({ status: 502 });
    expect(model.requests).toHaveLength(1);
  });

  it("has nobody behind it in a thread that an operator has taken over", async () => {
    const { worken, thread, chatId } = await newThread(new FakeModel(says("Hi.")));
    await (await worken.chats.threads.stream(chatId, thread.id, hello)).text();
    await worken.chats.threads.setMode(chatId, thread.id, "manual");
    const answer = await worken.chats.threads.stream(chatId, thread.id, hello);
    expect(answer.messageId).toBeNull();
    expect(await readAll(answer)).toEqual([{ type: "finish", finishReason: "stop" }]);
  });

  it("ends with what is stored when the server crashes", { timeout: 20_000 }, async () => {
    const held = new HeldAnswer();
    const { worken, thread, chatId } = await newThread(new FakeModel(held.answer));
    const opened = worken.chats.threads.stream(chatId, thread.id, hello);
    held.say("One ");
    const answer = await opened;
    expect(await next(answer)).toMatchObject({ textDelta: "One " });
    held.say("two ");
    expect(await next(answer)).toMatchObject({ textDelta: "two " });
    await abortAllDurableObjects();
    const events = await readAll(answer);
    expect(events).toMatchObject([{ type: "error", message: { id: answer.messageId, status: "interrupted" } }]);
  });
});

describe("an answer that is not running any more when its reader comes back", () => {
  const said = 'id: 2.2.6\ndata: {"type":"text-delta","textDelta":"Within"}\n\n';
  const stored = (message: Partial<Message>): Message => ({
    id: "m",
    role: "assistant",
    content: "",
    created_at: "2026-01-01T00:00:00.000Z",
    status: "complete",
    ...message,
  });
  const begun = () => new Response(said, { headers: { "x-message-id": "m", "x-thread-id": "t" } });
  const nothing = () => new Response(null, { status: 204 });
  const another = () => new Response("data: {}\n\n", { headers: { "x-message-id": "other" } });
  const list = (...messages: Message[]) => Response.json(messages);
  const interrupted = stored({ content: "With", status: "interrupted", error: "the server was interrupted" });
  const changed = stored({ content: "Without" });

  it.each([
    ["is finished", stored({ content: "Within 30 days." }), [" 30 days."], { type: "finish" }],
    ["was finished with this", stored({ content: "Within" }), [], { type: "finish" }],
    ["was stopped", stored({ content: "Within 30", status: "stopped" }), [" 30"], { type: "finish" }],
    ["lost its end", interrupted, [], { type: "error", error: "the server was interrupted", message: interrupted }],
    ["was broken off later", { ...interrupted, content: "Within 3" }, [" 3"], { type: "error" }],
    ["is another one", changed, [], { type: "error", message: changed }],
  ])("%s", async (_title, message, rest, ending) => {
    for (const gone of [nothing, another]) {
      const { worken, asked } = scripted(begun, gone, () => list(stored({ id: "l" }), message));
      const events = await readAll(await worken.chats.threads.stream("c", "t", hello));
      expect(events.slice(0, -1).map(({ textDelta }) => textDelta)).toEqual(["Within", ...rest]);
      expect(events.at(-1)).toMatchObject(ending);
      expect(asked[1]!.headers.get("last-event-id")).toBe("2.2.6");
    }
  });

  it("is gone", async () => {
    const { worken } = scripted(begun, nothing, () => list());
    const answer = await worken.chats.threads.stream("c", "t", hello);
    await expect(answer.text()).rejects.toThrow(WorkenError);
  });

  it("is running again", async () => {
    const rest = 'id: 2.3.9\ndata: {"type":"text-delta","textDelta":" 30"}\n\ndata: {"type":"finish"}\n\n';
    const { worken } = scripted(
      begun,
      nothing,
      () => list(stored({ content: "Within", status: "streaming" })),
      () => new Response(rest, { headers: { "x-message-id": "m" } }),
    );
    expect(await (await worken.chats.threads.stream("c", "t", hello)).text()).toBe("Within 30");
  });
});
