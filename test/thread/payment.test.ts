import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { adjust, balanceOf, poorChat, sumOf, transactionsOf, TURN_COST } from "../helpers/money.ts";
import { newChat, readAnswer, type Chat, type Thread } from "../helpers/project.ts";
import { SseReader } from "../helpers/sse.ts";
import { callsTool, FakeModel, HeldAnswer, says } from "../helpers/upstream.ts";

const feedOf = ({ project }: Chat) => env.FEEDS.getByName(project.id);
const objectOf = (thread: Thread) => env.THREADS.getByName(`${thread.chat.project.id}/${thread.id}`);
const charges = async ({ project }: Chat) =>
  (await transactionsOf(project)).flatMap(({ type, amount, description }) =>
    type === "charge" && description !== "by hand" ? [-amount] : [],
  );

/** By the default settings and price a call may cost this much: a token in, 1,024 out. */
const HOLD = 4.097;

/** Begins an answer in a thread of its own and waits until it has said a word. */
async function begin(chat: Chat, held: HeldAnswer, word: string): Promise<{ thread: Thread; reader: SseReader }> {
  held.say(word);
  const thread = chat.thread();
  const reader = new SseReader(await thread.stream("hi"));
  expect(await reader.json()).toEqual({ type: "text-delta", textDelta: word });
  return { thread, reader };
}

describe("answers written at the same time", () => {
  it("cannot spend what another has set aside", async () => {
    const held = new HeldAnswer();
    const model = new FakeModel(held.answer, says("ok"));
    const chat = await poorChat(model, HOLD);
    const { reader } = await begin(chat, held, "Slow");
    const refused = await chat.thread().stream("me too");
    expect([refused.status, await refused.json()]).toMatchObject([
      402,
      { message: expect.stringContaining("set aside") },
    ]);
    expect(model.requests).toHaveLength(1);
    held.end();
    await reader.rest();
    expect((await chat.thread().ask("and now?")).text).toBe("ok");
    expect(await charges(chat)).toEqual([TURN_COST, TURN_COST]);
  });

  it("by the hundred, leave a balance that is the sum of what was charged, and none below zero", async () => {
    const model = new FakeModel(says("ok"));
    const chat = await poorChat(model, 10 * TURN_COST, { model: { max_tokens: 16 } });
    const answers = await Promise.all(Array.from({ length: 40 }, () => chat.thread().stream("hi")));
    const statuses = answers.map(({ status }) => status);
    await Promise.all(answers.filter(({ ok }) => ok).map(readAnswer));
    expect(new Set(statuses)).toEqual(new Set([200, 402]));
    const answered = statuses.filter((status) => status === 200).length;
    expect(model.requests).toHaveLength(answered);
    const paid = await charges(chat);
    expect(paid).toHaveLength(answered);
    expect(answered).toBeLessThanOrEqual(10);
    const { credits } = await balanceOf(chat.project);
    expect(sumOf(await transactionsOf(chat.project))).toBe(credits);
    expect(Math.round(credits * 1e6)).toBe(Math.round((10 - answered) * TURN_COST * 1e6));
  });

  it("are still known after the counting object was evicted", async () => {
    const held = new HeldAnswer();
    const model = new FakeModel(held.answer, says("ok"));
    const chat = await poorChat(model, HOLD);
    const { reader } = await begin(chat, held, "Slow");
    await evictDurableObject(feedOf(chat));
    expect((await chat.thread().stream("me too")).status).toBe(402);
    held.end();
    await reader.rest();
    expect((await chat.thread().ask("and now?")).text).toBe("ok");
  });

  it("do not keep what they set aside for ever, when they are lost", async () => {
    const held = new HeldAnswer();
    const chat = await poorChat(new FakeModel(held.answer, says("ok")), HOLD);
    await begin(chat, held, "Slow");
    await runInDurableObject(feedOf(chat), (_, { storage }) => {
      storage.sql.exec("update set_aside set at = at - 16 * 60 * 1000");
    });
    await evictDurableObject(feedOf(chat));
    expect((await chat.thread().ask("me too")).text).toBe("ok");
  });
});

describe("an answer", () => {
  it("for which little is left may say less", async () => {
    const model = new FakeModel(says("ok"));
    const chat = await poorChat(model, 1);
    await chat.thread().ask("hi");
    expect(model.requests[0]!["max_tokens"]).toBe(249);
  });

  it("that ran out of credits between two tools ends there, and says why", async () => {
    const model = new FakeModel(callsTool("set_mode", { mode: "auto" }), says("never"));
    const chat = await poorChat(model, TURN_COST, { tools: { set_mode: "auto" } });
    const { events } = await chat.thread().ask("hi");
    expect(events.at(-1)).toEqual({ type: "error", error: "the credits ran out in the middle of the answer" });
    expect(model.requests).toHaveLength(1);
    expect(await charges(chat)).toEqual([TURN_COST]);
  });

  it("that is stopped is paid by what it has said, as far as one can tell", async () => {
    const held = new HeldAnswer();
    const chat = await newChat(new FakeModel(held.answer));
    const { thread } = await begin(chat, held, "Half an ");
    await thread.chat.project.post(`${thread.path}/stop`);
    // One token in, three out.
    expect(await charges(chat)).toEqual([0.013]);
  });

  it("that a takeover ends before its first word is paid by what the model had to read", async () => {
    const held = new HeldAnswer();
    const model = new FakeModel(held.answer);
    const chat = await newChat(model, { instruction: "word ".repeat(800) });
    const thread = chat.thread();
    thread.stream("hi").catch(() => undefined);
    await eventually(() => expect(model.requests).toHaveLength(1));
    await thread.setMode("manual");
    expect(await charges(chat)).toEqual([1.001]);
    expect(await thread.messages()).toHaveLength(1);
  });

  it("whose thread is deleted while it is written is paid as well", async () => {
    const held = new HeldAnswer();
    const chat = await poorChat(new FakeModel(held.answer, says("ok")), HOLD);
    const { thread } = await begin(chat, held, "Half an ");
    expect((await chat.project.post(`${thread.path}/delete`)).status).toBe(200);
    expect(await charges(chat)).toEqual([0.013]);
    expect((await chat.thread().ask("again")).text).toBe("ok");
  });

  it("that a crash interrupts is paid once, by what was stored of it, and sets nothing aside any more", async () => {
    const held = new HeldAnswer();
    const chat = await poorChat(new FakeModel(held.answer, says("ok")), HOLD);
    const { thread } = await begin(chat, held, "Half an ");
    await abortAllDurableObjects();
    await runDurableObjectAlarm(objectOf(thread));
    await eventually(async () => expect(await charges(chat)).toEqual([0.013]));
    await abortAllDurableObjects();
    expect((await chat.thread().ask("again")).text).toBe("ok");
    expect(await charges(chat)).toEqual([0.013, TURN_COST]);
  });

  it("is charged once, although the database failed first and the settlement is sent again and again", async () => {
    const chat = await newChat(new FakeModel(says("ok")));
    const thread = chat.thread();
    await env.DB.exec("alter table chat_hours rename to chat_hours_away");
    try {
      expect((await thread.ask("hi")).text).toBe("ok");
      expect(await charges(chat)).toEqual([]);
    } finally {
      await env.DB.exec("alter table chat_hours_away rename to chat_hours");
    }
    await abortAllDurableObjects();
    await runDurableObjectAlarm(objectOf(thread));
    await eventually(async () => expect(await charges(chat)).toEqual([TURN_COST]));
    await runInDurableObject(objectOf(thread), (_, { storage }) => {
      const [owed] = storage.sql.exec("select record ->> 'bills' as bills from thread").toArray();
      expect(owed).toEqual({ bills: "[]" });
    });
  });

  it("that fails when all else is told already leaves nothing to do", async () => {
    const model = new FakeModel(async () => {
      await scheduler.wait(300);
      return Response.json({ error: { message: "no" } }, { status: 400 });
    });
    const thread = (await newChat(model)).thread();
    const asked = thread.stream("hi");
    await eventually(() => expect(model.requests).toHaveLength(1));
    await runDurableObjectAlarm(objectOf(thread));
    expect((await asked).status).toBe(502);
    await eventually(async () => {
      const alarm = await runInDurableObject(objectOf(thread), (_, { storage }) => storage.getAlarm());
      expect(alarm).toBeNull();
    });
  });

  it("is not charged again when it is settled twice", async () => {
    const chat = await newChat(new FakeModel(says("ok")));
    const thread = chat.thread();
    await thread.ask("hi");
    const id = (await chat.project.get("/billing/transactions?limit=1")).json.data[0].id as string;
    const call = { id, modelId: "openai/x", inputTokens: 7, outputTokens: 3, isEstimate: false, cost: 19_000 };
    await runInDurableObject(objectOf(thread), (_, { storage }) => {
      const paidFor = { purpose: "answer", messageId: null, botId: "b", personId: null, createdAt: 1 };
      const bill = { hold: "h", calls: [call], ...paidFor, seq: 9 };
      const again = "update thread set record = json_set(record, '$.bills', json(?), '$.billed', 9)";
      storage.sql.exec(again, JSON.stringify([bill]));
    });
    await abortAllDurableObjects();
    await thread.ask("again");
    expect(await charges(chat)).toEqual([TURN_COST, TURN_COST]);
  });
});

it("a charge by the administrator counts at once, also for those who had read the balance before", async () => {
  const model = new FakeModel(says("ok"));
  const chat = await newChat(model);
  await chat.thread().ask("hi");
  await adjust(chat.project, "charge", 1_000_000_000);
  expect((await chat.thread().stream("again")).status).toBe(402);
  await evictDurableObject(feedOf(chat));
  expect((await chat.thread().stream("again")).status).toBe(402);
  expect(model.requests).toHaveLength(1);
});
