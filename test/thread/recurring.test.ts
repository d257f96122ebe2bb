import { afterEach, describe, expect, it, vi } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { newChat, type Thread } from "../helpers/project.ts";
import {
  bellOf,
  conversation,
  deliver,
  getSchedule,
  HOUR,
  inMs,
  pass,
  passFor,
  schedulesOf,
  tick,
  type Schedule,
} from "../helpers/schedules.ts";
import { callsTool, FakeModel, says } from "../helpers/upstream.ts";

afterEach(() => void vi.useRealTimers());

const DAY = 24 * HOUR;
const at = (time: string) => vi.useFakeTimers({ toFake: ["Date"], now: new Date(time) });

/** A thread in which something was said, by a bot with these settings. */
async function newThread(model: FakeModel, ai: object = {}): Promise<Thread> {
  const thread = (await newChat(model, ai)).thread();
  await thread.ask("hi");
  return thread;
}

const plan = (thread: Thread, body: object) => thread.chat.project.post(`/threads/${thread.id}/schedules`, body);
const patch = (thread: Thread, id: string, body: object) => thread.chat.project.call("PATCH", `/schedules/${id}`, body);
const runsOf = async (thread: Thread, id: string) => (await thread.chat.project.get(`/schedules/${id}/runs`)).json.data;

const ran = (thread: Thread, id: string, executions: number): Promise<Schedule> =>
  eventually(async () => {
    const schedule = await getSchedule(thread, id);
    expect(schedule.executions).toBe(executions);
    return schedule;
  });

describe("a task that recurs", () => {
  it("is done every time by the bot, which is told what it is, until it was done often enough", async () => {
    at("2026-03-20T12:00:00Z");
    const model = new FakeModel(says("Hello."), says("First."), says("Second."));
    const thread = await newThread(model);
    const task = { task: "Say what is new.", cron: "0 9 * * 1", max_executions: 2 };
    const { json: schedule } = await plan(thread, task);
    expect(schedule).toMatchObject({
      kind: "task",
      scheduled_at: "2026-03-23T09:00:00.000Z",
      time_zone: "UTC",
      missed: "once",
      message_id: null,
    });
    vi.setSystemTime(new Date("2026-03-23T09:00:00Z"));
    await passFor(thread, 0);
    expect((await ran(thread, schedule.id, 1)).scheduled_at).toBe("2026-03-30T09:00:00.000Z");
    vi.setSystemTime(new Date("2026-03-30T09:00:00Z"));
    await passFor(thread, 0);
    expect(await ran(thread, schedule.id, 2)).toMatchObject({ status: "completed" });
    await eventually(async () =>
      expect(await conversation(thread)).toEqual([
        "user: hi",
        "assistant: Hello.",
        "assistant: First.",
        "assistant: Second.",
      ]),
    );
    expect(model.requests[1]!.messages.at(-1)!.content).toContain("Say what is new.");
    expect((await thread.get()).json.stats).toMatchObject({ user_messages: 1 });
    const messages = await thread.messages();
    expect(await runsOf(thread, schedule.id)).toEqual([
      {
        scheduled_at: "2026-03-30T09:00:00.000Z",
        ran_at: expect.stringMatching(/^2026-03-30T09:00:0/),
        outcome: "fired",
        reason: null,
        message_id: messages[3]!.id,
      },
      expect.objectContaining({ scheduled_at: "2026-03-23T09:00:00.000Z", message_id: messages[2]!.id }),
    ]);
  });

  it.each([
    ["winter", "2026-03-27T12:00:00Z", "2026-03-28T08:00:00.000Z"],
    ["summer", "2026-03-28T12:00:00Z", "2026-03-29T07:00:00.000Z"],
  ])("follows the clock of its time zone: nine in Berlin in %s", async (_, now, expected) => {
    at(now);
    const thread = await newThread(new FakeModel(says("Hello.")));
    const { json } = await plan(thread, { task: "x", cron: "0 9 * * *", time_zone: "Europe/Berlin" });
    expect(json.scheduled_at).toBe(expected);
  });

  it("makes up once for what was missed", async () => {
    at("2026-06-01T00:30:00Z");
    const model = new FakeModel(says("Hello."), says("Once."));
    const thread = await newThread(model);
    const { json: schedule } = await plan(thread, { task: "x", cron: "0 * * * *" });
    pass(5 * HOUR);
    await Promise.all([passFor(thread, 0), deliver(bellOf(thread, schedule.id)), tick(), tick()]);
    expect((await ran(thread, schedule.id, 1)).scheduled_at).toBe("2026-06-01T06:00:00.000Z");
    await deliver(bellOf(thread, schedule.id), bellOf(thread, schedule.id));
    await passFor(thread, 0);
    await eventually(async () => expect(await conversation(thread)).toContain("assistant: Once."));
    expect(model.requests).toHaveLength(2);
    expect(await runsOf(thread, schedule.id)).toHaveLength(1);
  });

  it("leaves out what was missed, where that was wished", async () => {
    at("2026-06-01T00:30:00Z");
    const model = new FakeModel(says("Hello."), says("On time."));
    const thread = await newThread(model);
    const { json: schedule } = await plan(thread, { task: "x", cron: "0 * * * *", missed: "skip" });
    await passFor(thread, 5 * HOUR);
    await eventually(async () =>
      expect((await getSchedule(thread, schedule.id)).scheduled_at).toBe("2026-06-01T06:00:00.000Z"),
    );
    expect(await runsOf(thread, schedule.id)).toMatchObject([{ outcome: "missed", message_id: null }]);
    await passFor(thread, HOUR / 2);
    await ran(thread, schedule.id, 1);
    await eventually(async () => expect(await conversation(thread)).toContain("assistant: On time."));
    expect(model.requests).toHaveLength(2);
  });

  it("is skipped while an operator answers, and goes on afterwards", async () => {
    at("2026-06-01T00:30:00Z");
    const thread = await newThread(new FakeModel(says("Hello."), says("Back.")));
    const { json: schedule } = await plan(thread, { task: "x", cron: "0 * * * *" });
    await thread.setMode("manual");
    await passFor(thread, HOUR);
    await eventually(async () =>
      expect(await runsOf(thread, schedule.id)).toMatchObject([{ outcome: "skipped", reason: "mode" }]),
    );
    await thread.setMode("auto");
    await passFor(thread, HOUR);
    await ran(thread, schedule.id, 1);
  });

  it("can be paused, resumed, changed and cancelled", async () => {
    at("2026-06-01T00:30:00Z");
    const model = new FakeModel(says("Hello."));
    const thread = await newThread(model);
    const { json: schedule } = await plan(thread, { task: "x", cron: "0 * * * *" });
    expect((await patch(thread, schedule.id, { status: "paused" })).json.status).toBe("paused");
    await passFor(thread, 3 * HOUR);
    await deliver(bellOf(thread, schedule.id));
    const { json: resumed } = await patch(thread, schedule.id, { status: "pending" });
    expect(resumed).toMatchObject({ status: "pending", scheduled_at: "2026-06-01T04:00:00.000Z", executions: 0 });
    const changes = { cron: "15 12 * * *", time_zone: "Asia/Tokyo", text: "y", max_executions: 3, missed: "skip" };
    expect((await patch(thread, schedule.id, changes)).json).toMatchObject({
      ...changes,
      scheduled_at: "2026-06-02T03:15:00.000Z",
    });
    expect((await patch(thread, schedule.id, { scheduledAt: inMs(HOUR) })).status).toBe(422);
    await thread.chat.project.delete(`/schedules/${schedule.id}`);
    await passFor(thread, 2 * DAY);
    expect((await getSchedule(thread, schedule.id)).status).toBe("cancelled");
    expect(model.requests).toHaveLength(1);
  });

  it("ends after as many runs as it may have by now, which are not fewer than there were", async () => {
    at("2026-06-01T00:30:00Z");
    const thread = await newThread(new FakeModel(says("Hello.")));
    const { json: schedule } = await plan(thread, { task: "x", cron: "0 * * * *" });
    const said = async () => (await thread.messages()).filter(({ status }) => status === "complete");
    for (const executions of [1, 2]) {
      await passFor(thread, HOUR);
      await ran(thread, schedule.id, executions);
      await eventually(async () => expect(await said()).toHaveLength(2 + executions));
    }
    for (const max_executions of [1, 2]) {
      const { status, json } = await patch(thread, schedule.id, { max_executions });
      expect([status, json.issues[0].path]).toEqual([422, "max_executions"]);
    }
    expect((await patch(thread, schedule.id, { max_executions: 3 })).status).toBe(200);
    await passFor(thread, HOUR);
    await ran(thread, schedule.id, 3);
    await eventually(async () => expect((await getSchedule(thread, schedule.id)).status).toBe("completed"));
  });

  it.each([
    ["cron", { cron: "0 0 31 2 *" }, "never"],
    ["cron", { cron: "* * * * * *" }, "more than once a minute"],
    ["cron", { cron: "0,30 0 9 1 1 *" }, "more than once a minute"],
    ["cron", { cron: "61 * * * *" }, ""],
    ["cron", { cron: "whenever" }, ""],
    ["cron", { cron: "* * *" }, ""],
    ["time_zone", { cron: "0 9 * * *", time_zone: "Mars/Olympus" }, "IANA"],
    ["max_executions", { cron: "0 9 * * *", max_executions: 0 }, ""],
    ["scheduledAt", { cron: "0 9 * * *", scheduledAt: "2030-01-01T00:00:00Z" }, "either"],
    ["scheduledAt", {}, "either"],
    ["cron", { scheduledAt: "2020-01-01T00:00:00Z", time_zone: "UTC" }, "needed"],
    ["text", { cron: "0 9 * * *", text: "and a text" }, "either"],
  ])("is refused with a word about %s: %o", async (path, body, words) => {
    const thread = await newThread(new FakeModel(says("Hello.")));
    const { status, json } = await plan(thread, { task: "x", ...body });
    expect([status, json.issues[0].path]).toEqual([422, path]);
    expect(json.message).toContain(words);
    expect(await schedulesOf(thread)).toEqual([]);
  });
});

describe("a bot", () => {
  const tools = Object.fromEntries(
    ["schedule_message", "schedule_recurring_task", "list_scheduled", "cancel_scheduled"].map((name) => [name, "auto"]),
  );

  it("plans a follow-up, is told the time, and writes it when it is due", async () => {
    const model = new FakeModel(
      callsTool("schedule_message", { task: "Ask how it went.", in_minutes: 30 }),
      says("I shall ask you later."),
      says("How did it go?"),
    );
    const thread = await newThread(model, { tools });
    expect(JSON.stringify(model.requests[0]!.messages)).toContain(`It is now ${new Date().toISOString().slice(0, 13)}`);
    const [schedule] = await schedulesOf(thread, "open");
    expect(schedule).toMatchObject({
      kind: "task",
      created_by: "bot",
      text: "Ask how it went.",
      cancel_if_reply: true,
    });
    await passFor(thread, HOUR);
    await eventually(async () => expect((await conversation(thread)).at(-1)).toBe("assistant: How did it go?"));
    expect(model.requests[2]!.messages.at(-1)!.content).toContain("Ask how it went.");
    expect((await thread.messages()).at(-1)!.id).toBe(schedule!.message_id);
  });

  it("plans what recurs, lists and cancels its own, and never what others planned", async () => {
    const model = new FakeModel(
      callsTool("schedule_recurring_task", { task: "Daily news.", cron: "0 9 * * *", time_zone: "Europe/Berlin" }),
      says("Done."),
      callsTool("list_scheduled", {}),
      says("These."),
      () => callsTool("cancel_scheduled", { id: operators })(model.requests.at(-1)!, new AbortController().signal),
      says("I may not."),
      () => callsTool("cancel_scheduled", { id: own })(model.requests.at(-1)!, new AbortController().signal),
      says("Cancelled."),
    );
    let [own, operators] = ["", ""];
    const thread = await newThread(model, { tools });
    own = (await schedulesOf(thread))[0]!.id;
    operators = (await plan(thread, { task: "theirs", cron: "0 8 * * *" })).json.id;
    await thread.ask("What did you plan?");
    const listed = JSON.stringify(model.requests[3]!.messages.at(-1));
    expect(listed).toContain(own);
    expect(listed).not.toContain(operators);
    await thread.ask("Cancel theirs.");
    await thread.ask("Cancel yours.");
    expect(await schedulesOf(thread)).toMatchObject([
      { id: own, status: "cancelled", cron: "0 9 * * *" },
      { id: operators, status: "pending" },
    ]);
  });

  it("plans nothing in an answer that a takeover cut off", async () => {
    const model = new FakeModel(
      says("Hello."),
      callsTool("schedule_message", { task: "x", in_minutes: 30 }),
      async () => {
        await thread.setMode("manual");
        return says("Too late.")({ model: "", messages: [], stream: true }, new AbortController().signal);
      },
    );
    const thread = await newThread(model, { tools });
    await thread.stream("later, please");
    await eventually(async () => expect((await thread.get()).json.mode).toBe("manual"));
    expect(await schedulesOf(thread)).toEqual([]);
  });

  it.each([
    [{ task: "x", in_minutes: 0.5 }, "Wrong arguments"],
    [{ task: "x" }, "Give the time"],
    [{ task: "x", at: "tomorrow" }, "Give the time"],
    [{ task: "x", at: "2020-01-01T00:00:00Z" }, "at least a minute ahead"],
    [{ task: "", in_minutes: 5 }, "Wrong arguments"],
  ])("is told what is wrong with a plan: %o", async (args, words) => {
    const model = new FakeModel(callsTool("schedule_message", args), says("Sorry."));
    const thread = await newThread(model, { tools });
    expect(JSON.stringify(model.requests[1]!.messages.at(-1))).toContain(words);
    expect(await schedulesOf(thread)).toEqual([]);
  });
});

describe("a bot that follows up on silence", () => {
  const followUp = { follow_up: { after_minutes: 10, task: "Ask whether they are still there.", times: 2 } };

  it("does so as often as it is set to, and not while the person answers", async () => {
    const model = new FakeModel(says("Hello."), says("Good."), says("Still there?"), says("Hello?"));
    const thread = await newThread(model, followUp);
    await passFor(thread, 5 * 60_000);
    await thread.ask("one moment");
    await passFor(thread, 5 * 60_000);
    expect(model.requests).toHaveLength(2);
    for (const words of ["Still there?", "Hello?"]) {
      await passFor(thread, 10 * 60_000);
      await eventually(async () => expect((await conversation(thread)).at(-1)).toBe(`assistant: ${words}`));
    }
    await passFor(thread, DAY);
    expect(await schedulesOf(thread, "open")).toEqual([]);
    expect(model.requests).toHaveLength(4);
    expect(model.requests[2]!.messages.at(-1)!.content).toContain("still there");
  });

  it("stops doing so when that is set to null, and shows what is set", async () => {
    const chat = await newChat(new FakeModel(says("Hello.")), followUp);
    const path = `/bots/${chat.botId}/settings`;
    const setting = (body: object) => chat.project.post(path, { ai: body });
    expect((await setting({})).json.ai.follow_up).toEqual(followUp.follow_up);
    expect((await setting({ follow_up: { after_minutes: 0, task: "x" } })).status).toBe(422);
    expect((await setting({ follow_up: null })).json.ai.follow_up).toBeUndefined();
    const thread = chat.thread();
    await thread.ask("hi");
    expect(await schedulesOf(thread)).toEqual([]);
  });
});
