import { describe, expect, it } from "vitest";
import { TURN_COST } from "../helpers/money.ts";
import { newChat, newProject, readAnswer, type Chat, type Thread } from "../helpers/project.ts";
import { callsTool, FakeModel, says } from "../helpers/upstream.ts";

const today = () => new Date().toISOString().slice(0, 10);

/** Asks as somebody; the answer is the raw response. */
const askAs = (thread: Thread, externalId: string) =>
  thread.chat.project.fetch("POST", `${thread.path}/stream`, {
    messages: [{ role: "user", content: "hi" }],
    person: { external_id: externalId },
  });

const personOf = async (thread: Thread) => (await thread.get()).json.person.id as string;
const usage = async ({ project }: Pick<Chat, "project">, query = "") =>
  (await project.get(`/billing/usage${query}`)).json;
const used = (turns: number) => ({
  calls: turns,
  input_tokens: 7 * turns,
  output_tokens: 3 * turns,
  cost: Math.round(turns * TURN_COST * 1e6) / 1e6,
});

describe("what was used", () => {
  it("is summed up by the day, the bot and the person", async () => {
    const chat = await newChat(new FakeModel(says("ok")));
    const [anna, boris] = [chat.thread(), chat.thread()];
    for (const [thread, name] of [
      [anna, "anna"],
      [anna, "anna"],
      [boris, "boris"],
    ] as const) {
      await readAnswer(await askAs(thread, name));
    }
    const day = today();
    expect(await usage(chat)).toEqual({ data: [{ day, ...used(3) }], next_cursor: null });
    expect((await usage(chat, "?group=bot")).data).toEqual([{ bot_id: chat.botId, ...used(3) }]);
    const people = [
      { person_id: await personOf(anna), ...used(2) },
      { person_id: await personOf(boris), ...used(1) },
    ].toSorted((a, b) => a.person_id.localeCompare(b.person_id));
    const first = await usage(chat, "?group=person&limit=1");
    expect(first.data).toEqual([people[0]]);
    expect((await usage(chat, `?group=person&limit=1&cursor=${first.next_cursor}`)).data).toEqual([people[1]]);
    expect((await usage(chat, `?person_id=${await personOf(boris)}`)).data).toEqual([{ day, ...used(1) }]);
    expect((await usage(chat, `?bot_id=${chat.botId}&from=${day}&to=${day}`)).data).toEqual([{ day, ...used(3) }]);
    expect((await usage(chat, "?to=2020-01-01")).data).toEqual([]);
  });

  it("is listed call by call, also of one message", async () => {
    const tool = callsTool("set_mode", { mode: "auto" });
    const model = new FakeModel(says("ok"), tool, says("done"));
    const chat = await newChat(model, { tools: { set_mode: "auto" } });
    const thread = chat.thread();
    await thread.ask("one");
    await thread.ask("two");
    const message = (await thread.messages()).findLast(({ role }) => role === "assistant")!;
    const { json } = await chat.project.get(`/billing/usage/calls?message_id=${message.id}`);
    expect(json).toEqual({
      data: [1, 2].map(() => ({
        id: expect.any(String),
        purpose: "answer",
        model: model.id,
        thread_id: thread.id,
        message_id: message.id,
        bot_id: chat.botId,
        person_id: null,
        input_tokens: 7,
        output_tokens: 3,
        is_estimate: false,
        cost: TURN_COST,
        created_at: expect.stringMatching(/Z$/),
      })),
      next_cursor: null,
    });
    const page = (await chat.project.get("/billing/usage/calls?limit=2")).json;
    expect(page.data).toHaveLength(2);
    const rest = (await chat.project.get(`/billing/usage/calls?limit=2&cursor=${page.next_cursor}`)).json;
    expect(rest.data).toHaveLength(1);
    expect(new Set([...page.data, ...rest.data].map(({ id }) => id)).size).toBe(3);
  });

  it("of a model that costs nothing is counted too", async () => {
    const chat = await newChat(undefined, { model: { id: "embedded/reply" } });
    await chat.thread().ask("hi");
    const [row] = (await usage(chat)).data;
    expect(row).toMatchObject({ calls: 1, cost: 0 });
    expect(row.output_tokens).toBeGreaterThan(0);
  });

  it("is nobody else's to see", async () => {
    const chat = await newChat(new FakeModel(says("ok")));
    await chat.thread().ask("hi");
    const project = await newProject();
    expect((await usage({ project }, `?bot_id=${chat.botId}`)).data).toEqual([]);
    expect((await project.get("/billing/usage/calls")).json.data).toEqual([]);
  });

  it.each(["group=hour", "from=yesterday", "group=person&bot_id=b", "bot_id=b&person_id=p", "limit=0", "cursor=x"])(
    "is not to be had with ?%s",
    async (query) => {
      expect((await (await newProject()).get(`/billing/usage?${query}`)).status).toBe(422);
    },
  );
});

describe("a budget", () => {
  const MODEL = { max_tokens: 16 };
  const day = (credits: number) => ({ credits, period: "day" as const });

  it("of a bot ends what it answers, however many ask at once, and says until when", async () => {
    const model = new FakeModel(says("ok"));
    const chat = await newChat(model, { model: MODEL, budgets: { bot: day(0.057) } });
    const answers = await Promise.all(Array.from({ length: 12 }, () => chat.thread().stream("hi")));
    const answered = answers.filter(({ ok }) => ok);
    await Promise.all(answered.map(readAnswer));
    for (let more = await chat.thread().stream("hi"); more.ok; more = await chat.thread().stream("hi")) {
      answered.push(more);
      await readAnswer(more);
    }
    expect((await usage(chat)).data[0].cost).toBeLessThanOrEqual(0.057);
    expect(model.requests).toHaveLength(answered.length);
    const refused = await chat.thread().stream("hi");
    const tomorrow = new Date(Date.parse(today()) + 86_400_000).toISOString();
    expect([refused.status, await refused.json()]).toMatchObject([
      402,
      { message: `the bot's budget of 0.057 credits a day is spent; it begins anew at ${tomorrow}` },
    ]);
    const copy = await newChat(model, { model: MODEL });
    expect((await copy.thread().ask("another bot")).text).toBe("ok");
  });

  it("of each person is his own", async () => {
    const chat = await newChat(new FakeModel(says("ok")), { model: MODEL, budgets: { person: day(TURN_COST) } });
    const statuses: number[] = [];
    for (const name of ["anna", "anna", "boris", "boris"]) {
      const response = await askAs(chat.thread(), name);
      statuses.push(response.status);
      await response.text();
    }
    expect(statuses).toEqual([200, 402, 200, 402]);
    expect((await chat.thread().ask("nobody in particular")).text).toBe("ok");
  });

  it("is changed and lifted by the bot's settings", async () => {
    const chat = await newChat(new FakeModel(says("ok")), { model: MODEL, budgets: { bot: day(0) } });
    const path = `/bots/${chat.botId}/settings`;
    const thread = chat.thread();
    expect((await thread.stream("hi")).status).toBe(402);
    expect((await chat.project.get(path)).json.ai.budgets).toEqual({ bot: day(0) });
    const monthly = { bot: { credits: 5.5, period: "month" } };
    expect((await chat.project.post(path, { ai: { budgets: monthly } })).json.ai.budgets).toEqual(monthly);
    expect((await thread.ask("hi")).text).toBe("ok");
    expect((await chat.project.post(path, { ai: { budgets: { bot: null } } })).json.ai.budgets).toBeUndefined();
    const bad = await chat.project.post(path, { ai: { budgets: { bot: { credits: -1, period: "year" } } } });
    expect([bad.status, bad.json.issues.map(({ path: place }: { path: string }) => place)]).toEqual([
      422,
      ["ai.budgets.bot.credits", "ai.budgets.bot.period"],
    ]);
  });
});
