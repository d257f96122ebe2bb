import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { newChat, newProject, readAnswer, type Thread } from "../helpers/project.ts";
import {
  askLater,
  bellOf,
  conversation,
  deliver,
  getSchedule,
  HOUR,
  inMs,
  loseAlarm,
  objectOf,
  pass,
  passFor,
  schedulesOf,
  sendLater,
  tick,
} from "../helpers/schedules.ts";
import { SseReader } from "../helpers/sse.ts";
import { FakeModel, HeldAnswer, says } from "../helpers/upstream.ts";

afterEach(() => void vi.useRealTimers());

const newThread = async (...answers: ConstructorParameters<typeof FakeModel>) => {
  const model = new FakeModel(...(answers.length > 0 ? answers : [says("Hello.")]));
  return { model, thread: (await newChat(model)).thread() };
};

/** A thread that an operator has taken over. */
async function takenOver(): Promise<Thread> {
  const { thread } = await newThread();
  await thread.ask("hi");
  await thread.setMode("manual");
  return thread;
}

describe("a question that is to be answered later", () => {
  it("is stored at once and answered at its time, under the id that was given for it", async () => {
    const { model, thread } = await newThread();
    const scheduledAt = inMs(300);
    const response = await askLater(thread, "hi", scheduledAt);
    const [messageId, scheduleId] = [response.headers.get("x-message-id"), response.headers.get("x-schedule-id")];
    expect((await readAnswer(response)).events).toEqual([{ type: "finish", finishReason: "stop" }]);
    expect(await conversation(thread)).toEqual(["user: hi"]);
    expect(await schedulesOf(thread, "open")).toMatchObject([
      {
        id: scheduleId,
        kind: "answer",
        status: "pending",
        text: "hi",
        scheduled_at: scheduledAt,
        message_id: messageId,
      },
    ]);
    await eventually(async () => expect(await conversation(thread)).toEqual(["user: hi", "assistant: Hello."]));
    const answer = (await thread.messages())[1]!;
    expect(answer).toMatchObject({ id: messageId, status: "complete" });
    expect(Date.parse(answer.created_at)).toBeGreaterThanOrEqual(Date.parse(scheduledAt));
    await eventually(async () =>
      expect(await getSchedule(thread, scheduleId!)).toMatchObject({ status: "completed", executions: 1 }),
    );
    expect(await schedulesOf(thread, "open")).toEqual([]);
    expect(model.requests).toHaveLength(1);
  });

  it("can be followed by whoever comes when it runs", async () => {
    const held = new HeldAnswer();
    const { model, thread } = await newThread(held.answer);
    await askLater(thread, "hi", inMs(50));
    await eventually(() => expect(model.requests).toHaveLength(1));
    const response = await thread.chat.project.fetch("GET", `${thread.path}/stream`);
    held.say("At last.");
    held.end();
    expect((await readAnswer(response)).text).toBe("At last.");
  });

  it("is answered once for the same Idempotency-Key, and says again what was planned", async () => {
    const { model, thread } = await newThread();
    const body = { messages: [{ role: "user", content: "hi" }], scheduledAt: inMs(400) };
    const headers = { "idempotency-key": "k1" };
    const ask = () => thread.chat.project.fetch("POST", `${thread.path}/stream`, body, headers);
    const [first, second] = [await ask(), await ask()];
    expect(first.headers.get("x-schedule-id")).not.toBeNull();
    expect(second.headers.get("x-schedule-id")).toBe(first.headers.get("x-schedule-id"));
    await eventually(() => expect(model.requests).toHaveLength(1));
    expect((await readAnswer(await ask())).text).toBe("Hello.");
    expect(await conversation(thread)).toEqual(["user: hi", "assistant: Hello."]);
  });

  it("is answered although something else was said meanwhile, and the bot knows which question it was", async () => {
    const { model, thread } = await newThread(says("Now."), says("Later."));
    await askLater(thread, "What will the weather be?", inMs(300));
    await thread.ask("And today?");
    await eventually(async () =>
      expect(await conversation(thread)).toEqual([
        "user: What will the weather be?",
        "user: And today?",
        "assistant: Now.",
        "assistant: Later.",
      ]),
    );
    const { role, content } = model.requests[1]!.messages.at(-1)!;
    expect(role).toBe("user");
    expect(content).toContain("What will the weather be?");
  });

  it("comes from the AI SDK's chat transport, too, but not for an answer that is made again", async () => {
    const { thread } = await newThread();
    const messages = [{ id: "q1", role: "user", parts: [{ type: "text", text: "hi" }] }];
    const post = (body: object) => thread.chat.project.fetch("POST", `${thread.path}/stream`, body);
    const response = await post({ messages, scheduledAt: inMs(HOUR) });
    expect(response.headers.get("x-schedule-id")).not.toBeNull();
    await post({ messages, scheduledAt: (await schedulesOf(thread))[0]!.scheduled_at });
    expect(await schedulesOf(thread)).toHaveLength(1);
    expect(await conversation(thread)).toEqual(["user: hi"]);
    expect((await post({ messages, scheduledAt: inMs(HOUR), trigger: "regenerate-message" })).status).toBe(422);
  });
});

describe("an operator's message that is sent later", () => {
  it("has its id and its shape at once, and is there at its time, whatever the mode is then", async () => {
    const thread = await takenOver();
    const scheduledAt = inMs(300);
    const { status, json } = await sendLater(thread, "Ann here.", scheduledAt);
    expect(status).toBe(200);
    expect(json).toMatchObject({
      role: "assistant",
      content: "Ann here.",
      status: "pending",
      scheduled_at: scheduledAt,
    });
    expect(await thread.messages()).toHaveLength(2);
    await thread.setMode("auto");
    await eventually(async () => expect((await thread.messages()).at(-1)).toMatchObject({ content: "Ann here." }));
    expect((await thread.messages()).at(-1)).toMatchObject({
      id: json.id,
      status: "complete",
      metadata: { author: "operator" },
    });
  });

  it("is refused where an operator's message would be refused now", async () => {
    const { thread } = await newThread();
    expect((await sendLater(thread, "Ann.", inMs(HOUR))).status).toBe(404);
    await thread.ask("hi");
    expect((await sendLater(thread, "Ann.", inMs(HOUR))).status).toBe(409);
    expect(await schedulesOf(thread)).toEqual([]);
  });

  it("can be changed, and then comes changed", async () => {
    const thread = await takenOver();
    const { json } = await sendLater(thread, "An here.", inMs(HOUR));
    const changes = { text: "Ann here.", scheduledAt: inMs(50) };
    const { status, json: changed } = await thread.chat.project.call(
      "PATCH",
      `/schedules/${json.schedule_id}`,
      changes,
    );
    expect(status).toBe(200);
    expect(changed).toMatchObject({ text: "Ann here.", scheduled_at: changes.scheduledAt, status: "pending" });
    await eventually(async () => expect((await conversation(thread)).at(-1)).toBe("assistant: Ann here."));
    const late = await thread.chat.project.call("PATCH", `/schedules/${json.schedule_id}`, { text: "Too late." });
    expect(late.status).toBe(409);
    expect((await thread.chat.project.delete(`/schedules/${json.schedule_id}`)).status).toBe(409);
  });

  it("can be cancelled, also twice, and then never comes", async () => {
    const thread = await takenOver();
    const { json } = await sendLater(thread, "Ann here.", inMs(HOUR));
    for (const _ of "12") expect((await thread.chat.project.delete(`/schedules/${json.schedule_id}`)).status).toBe(200);
    expect(await getSchedule(thread, json.schedule_id)).toMatchObject({ status: "cancelled", reason: "request" });
    await passFor(thread, HOUR);
    await deliver(bellOf(thread, json.schedule_id));
    expect(await thread.messages()).toHaveLength(2);
  });

  it("waits while it is paused", async () => {
    const thread = await takenOver();
    const { json } = await sendLater(thread, "Ann here.", inMs(HOUR));
    const set = (status: string) => thread.chat.project.call("PATCH", `/schedules/${json.schedule_id}`, { status });
    expect((await set("paused")).json.status).toBe("paused");
    await passFor(thread, HOUR);
    await deliver(bellOf(thread, json.schedule_id));
    expect(await thread.messages()).toHaveLength(2);
    await set("pending");
    await eventually(async () => expect((await conversation(thread)).at(-1)).toBe("assistant: Ann here."));
  });

  it("is void after a reply, where that was wished", async () => {
    const thread = await takenOver();
    const { json: void_ } = await sendLater(thread, "Are you still there?", inMs(HOUR), { cancel_if_reply: true });
    const { json: kept } = await sendLater(thread, "Good night.", inMs(HOUR));
    await thread.stream("I am back");
    expect(await getSchedule(thread, void_.schedule_id)).toMatchObject({ status: "cancelled", reason: "reply" });
    expect(await getSchedule(thread, kept.schedule_id)).toMatchObject({ status: "pending" });
  });

  it("is void after a reply while it is paused, too", async () => {
    const thread = await takenOver();
    const { json } = await sendLater(thread, "Are you still there?", inMs(HOUR), { cancel_if_reply: true });
    await thread.chat.project.call("PATCH", `/schedules/${json.schedule_id}`, { status: "paused" });
    await thread.stream("I am back");
    expect(await getSchedule(thread, json.schedule_id)).toMatchObject({ status: "cancelled", reason: "reply" });
  });
});

describe("what is due happens once", () => {
  it("although bells are doubled and come too early, too late and together with the alarm", async () => {
    const thread = await takenOver();
    const { json } = await sendLater(thread, "Once.", inMs(HOUR));
    const bell = bellOf(thread, json.schedule_id);
    await deliver(bell, bell);
    expect(await thread.messages()).toHaveLength(2);
    await loseAlarm(thread);
    pass(HOUR);
    const all = [deliver(bell, bell), deliver(bell), objectOf(thread).fireSchedule(json.schedule_id), tick(), tick()];
    await Promise.all(all);
    expect(await deliver(bell)).toEqual(["0"]);
    expect((await conversation(thread)).filter((line) => line === "assistant: Once.")).toHaveLength(1);
    expect(await getSchedule(thread, json.schedule_id)).toMatchObject({ executions: 1 });
  });

  it("without any bell, by the thread's own alarm, also after it was put to sleep", async () => {
    const { thread } = await newThread();
    await readAnswer(await askLater(thread, "hi", inMs(500)));
    await evictDurableObject(objectOf(thread));
    await eventually(async () => expect(await conversation(thread)).toEqual(["user: hi", "assistant: Hello."]));
  });

  it("without the thread's alarm, by the sweep that finds its row", async () => {
    const thread = await takenOver();
    await sendLater(thread, "Swept.", inMs(HOUR));
    await loseAlarm(thread);
    await abortAllDurableObjects();
    pass(HOUR);
    await tick();
    await eventually(async () => expect((await conversation(thread)).at(-1)).toBe("assistant: Swept."));
  });

  it("after a crash at its very time", async () => {
    const held = new HeldAnswer();
    const { model, thread } = await newThread(held.answer, says("Whole."));
    const response = await askLater(thread, "hi", inMs(50));
    await eventually(() => expect(model.requests).toHaveLength(1));
    await abortAllDurableObjects();
    await runDurableObjectAlarm(objectOf(thread));
    await deliver(bellOf(thread, response.headers.get("x-schedule-id")!));
    await eventually(async () => expect(await conversation(thread)).toEqual(["user: hi", "assistant: Whole."]));
    expect((await thread.messages())[1]!.id).toBe(response.headers.get("x-message-id"));
  });

  it("is rung for by one of two sweeps at once, and only when it is due soon", async () => {
    const thread = await takenOver();
    const { json: soon } = await sendLater(thread, "Soon.", inMs(70_000));
    const { json: later } = await sendLater(thread, "Later.", inMs(HOUR));
    const rung = (id: string) => env.DB.prepare("select rung_at from schedules where id = ?").bind(id).first("rung_at");
    await Promise.all([tick(), tick()]);
    const first = await rung(soon.schedule_id);
    expect(first).not.toBeNull();
    expect(await rung(later.schedule_id)).toBeNull();
    await tick();
    expect(await rung(soon.schedule_id)).toBe(first);
  });
});

describe("what is due is not done", () => {
  it("in a thread that was blocked: that cancels all of it", async () => {
    const thread = await takenOver();
    await sendLater(thread, "Ann here.", inMs(HOUR));
    await askLater(thread, "hi", inMs(HOUR));
    await thread.setMode("blocked");
    expect(await schedulesOf(thread)).toMatchObject([
      { status: "cancelled", reason: "blocked" },
      { status: "cancelled", reason: "blocked" },
    ]);
    const { json } = await thread.chat.project.post(`/threads/${thread.id}/schedules`, {
      task: "x",
      scheduledAt: inMs(1),
    });
    expect(json.statusCode).toBe(409);
    const silent = await askLater(thread, "hello?", inMs(HOUR));
    expect(silent.headers.get("x-schedule-id")).toBeNull();
  });

  it("by a bot in whose place an operator answers now", async () => {
    const { model, thread } = await newThread();
    const response = await askLater(thread, "hi", inMs(HOUR));
    await thread.setMode("manual");
    await passFor(thread, HOUR);
    const id = response.headers.get("x-schedule-id")!;
    await eventually(async () =>
      expect(await getSchedule(thread, id)).toMatchObject({ status: "cancelled", reason: "mode" }),
    );
    expect(model.requests).toHaveLength(0);
    expect((await thread.get()).json).toMatchObject({ pending_count: 1 });
  });

  it.each(["bot", "chat"])("by a disabled %s", async (what) => {
    const { model, thread } = await newThread();
    const { project, id: chatId, integrationId, botId } = thread.chat;
    const response = await askLater(thread, "hi", inMs(HOUR));
    const path = what === "bot" ? `/bots/${botId}/status` : `/integrations/${integrationId}/chats/${chatId}/status`;
    expect((await project.post(path, { status: "disabled" })).status).toBe(200);
    await passFor(thread, HOUR);
    const id = response.headers.get("x-schedule-id")!;
    await eventually(async () =>
      expect(await getSchedule(thread, id)).toMatchObject({ status: "cancelled", reason: "inactive" }),
    );
    expect(model.requests).toHaveLength(0);
  });

  it("in a thread that was deleted, and its rows go with it", async () => {
    const { model, thread } = await newThread();
    const response = await askLater(thread, "hi", inMs(HOUR));
    await thread.chat.project.post(`${thread.path}/delete`);
    expect((await thread.chat.project.get(`/schedules/${response.headers.get("x-schedule-id")}`)).status).toBe(404);
    expect((await thread.chat.project.get("/schedules?status=all")).json.data).toEqual([]);
    await passFor(thread, HOUR);
    await deliver(bellOf(thread, response.headers.get("x-schedule-id")!));
    expect((await thread.get()).status).toBe(404);
    expect(model.requests).toHaveLength(0);
  });

  it("in a chat that is deleted, before its threads are", async () => {
    const { model, thread } = await newThread();
    await askLater(thread, "hi", inMs(HOUR));
    const { project, id } = thread.chat;
    await env.DB.prepare("update chats set deleted_at = 1 where id = ?").bind(id).run();
    await passFor(thread, HOUR);
    expect((await project.get("/schedules?status=cancelled")).json.data).toMatchObject([{ reason: "inactive" }]);
    await deliver({ kind: "erase-chat", projectId: project.id, chatId: id });
    expect((await project.get("/schedules?status=all")).json.data).toEqual([]);
    expect(model.requests).toHaveLength(0);
  });

  it("and a row that its thread does not know of is removed", async () => {
    const { thread } = await newThread();
    const response = await askLater(thread, "hi", inMs(HOUR));
    const id = response.headers.get("x-schedule-id")!;
    const copy = `insert into schedules select 'stray', project_id, 'nowhere', kind, status, text, 0, message_id, cancel_if_reply,
      created_by, cron, time_zone, max_executions, missed, executions, last_run_at, end_reason, created_at, updated_at, version, null
      from schedules where id = ?`;
    await env.DB.prepare(copy).bind(id).run();
    const stray = { ...bellOf(thread, "stray"), threadId: "nowhere" };
    expect(await deliver(stray)).toEqual(["0"]);
    expect((await schedulesOf(thread)).map((schedule) => schedule.id)).toEqual([id]);
    expect((await thread.chat.project.get("/schedules/stray")).status).toBe(404);
  });
});

describe("schedules", () => {
  it("are told live, as they are made, done and cancelled", async () => {
    const { thread } = await newThread();
    await thread.ask("hi");
    const events = new SseReader(await thread.chat.project.fetch("GET", `/threads/events/${thread.id}`));
    const response = await askLater(thread, "and later?", inMs(100));
    const schedule_id = response.headers.get("x-schedule-id")!;
    const cancelled = await askLater(thread, "and never?", inMs(HOUR));
    await thread.chat.project.delete(`/schedules/${cancelled.headers.get("x-schedule-id")}`);
    const seen: Record<string, unknown>[] = [];
    while (
      !seen.some(({ type }) => type === "schedule_fired") ||
      !seen.some(({ type }) => type === "schedule_cancelled")
    ) {
      seen.push(await events.json());
    }
    expect(seen).toContainEqual(
      expect.objectContaining({ type: "schedule_created", schedule_id, thread_id: thread.id }),
    );
    expect(seen).toContainEqual(
      expect.objectContaining({
        type: "schedule_fired",
        schedule_id,
        message_id: response.headers.get("x-message-id"),
      }),
    );
    expect(seen).toContainEqual(expect.objectContaining({ type: "schedule_cancelled", reason: "request" }));
    await events.cancel();
  });

  it("of one thread, and of one project, are bounded", async () => {
    const thread = await takenOver();
    const plan = () =>
      thread.chat.project.post(`/threads/${thread.id}/schedules`, { task: "x", scheduledAt: inMs(HOUR) });
    for (let count = 0; count < 100; count++) expect((await plan()).status).toBe(200);
    expect((await plan()).status).toBe(429);
    const other = (await newChat()).thread();
    await askLater(other, "hi", inMs(HOUR));
    const copies = `insert into schedules select id || n, project_id, thread_id, kind, status, text, due_at, message_id, cancel_if_reply,
      created_by, cron, time_zone, max_executions, missed, executions, last_run_at, end_reason, created_at, updated_at, version, null
      from schedules, (with recursive c(n) as (select 1 union all select n + 1 from c where n < 9999) select n from c) where project_id = ?`;
    await env.DB.prepare(copies).bind(other.chat.project.id).run();
    expect((await askLater(other, "hi", inMs(HOUR))).status).toBe(429);
    expect(await conversation(other)).toEqual(["user: hi"]);
    await env.DB.prepare("delete from schedules where project_id = ?").bind(other.chat.project.id).run();
  });

  it("are listed page by page, and only to their project", async () => {
    const thread = await takenOver();
    for (const text of ["1", "2", "3"]) await sendLater(thread, text, inMs(HOUR));
    const { project } = thread.chat;
    const { json: first } = await project.get(`/threads/${thread.id}/schedules?limit=2`);
    const { json: rest } = await project.get(`/schedules?limit=2&cursor=${first.next_cursor}`);
    expect([...first.data, ...rest.data].map(({ text }) => text)).toEqual(["1", "2", "3"]);
    expect(rest.next_cursor).toBeNull();
    expect((await (await newProject()).get(`/threads/${thread.id}/schedules`)).status).toBe(404);
  });
});
