import { describe, expect, it } from "vitest";
import { adjust, balanceOf, poorChat, setCredits, sumOf, transactionsOf, TURN_COST } from "../helpers/money.ts";
import { newChat, newProject, root } from "../helpers/project.ts";
import { callsTool, FakeModel, fails, says } from "../helpers/upstream.ts";
import { eventually } from "../helpers/eventually.ts";

const spent = async (project: Parameters<typeof transactionsOf>[0]) =>
  (await transactionsOf(project)).filter(({ description }) => description !== "by hand").slice(1);

describe("a project's account", () => {
  it("begins with the default credits, as its first transaction", async () => {
    const project = await newProject();
    expect((await project.get("/billing/account")).json).toEqual({
      tariff: "default",
      credits: 1_000_000,
      bonus: 0,
      subscription_until: null,
    });
    expect((await project.get("/billing/transactions")).json).toEqual({
      data: [
        {
          id: "opening",
          type: "topup",
          amount: 1_000_000,
          description: "Opening balance",
          created_at: expect.stringMatching(/Z$/),
        },
      ],
      total: 1,
    });
  });

  it("is its own: another project's key does not see it, the administrator does", async () => {
    const [mine, theirs] = [await newProject(), await newProject()];
    await setCredits(theirs, 3);
    expect((await mine.get(`/projects/${theirs.id}/billing`)).status).toBe(404);
    expect((await theirs.get(`/projects/${theirs.id}/billing`)).json).toMatchObject({ credits: 3 });
    expect((await root.get(`/projects/${theirs.id}/billing`)).json).toMatchObject({ credits: 3 });
    expect((await mine.get("/billing/transactions")).json.total).toBe(1);
  });

  it("lists its transactions newest first, in pages", async () => {
    const project = await newProject();
    for (const amount of [1, 2, 3]) await adjust(project, "bonus", amount);
    const { json } = await project.get("/billing/transactions?limit=2&offset=1");
    expect(json.data.map(({ amount }: { amount: number }) => amount)).toEqual([2, 1]);
    expect(json.total).toBe(4);
    expect((await project.get("/billing/transactions?limit=0")).status).toBe(422);
    expect((await project.get("/billing/transactions?offset=-1")).status).toBe(422);
  });
});

describe("the administrator", () => {
  it("takes bonus first, then credits, and never more than there is", async () => {
    const project = await newProject();
    await setCredits(project, 10);
    await adjust(project, "bonus", 4);
    expect((await adjust(project, "charge", 1.5)).json).toMatchObject({ credits: 10, bonus: 2.5 });
    expect((await adjust(project, "charge", 5.000001)).json).toMatchObject({ credits: 7.499999, bonus: 0 });
    const { json } = await adjust(project, "charge", 100);
    expect(json).toMatchObject({ credits: 0, bonus: 0, transaction: { type: "charge", amount: -7.499999 } });
    expect((await adjust(project, "refund", 0.25)).json).toMatchObject({ credits: 0.25, bonus: 0 });
    expect(sumOf(await transactionsOf(project))).toBe(0.25);
  });

  it("adjusts once for one Idempotency-Key", async () => {
    const project = await newProject();
    const once = { "idempotency-key": crypto.randomUUID() };
    const path = `/projects/${project.id}/billing/adjust`;
    const again = () => root.post(path, { type: "bonus", amount: 5, description: "gift" }, once);
    const answers = await Promise.all([again(), again(), again()]);
    expect(new Set(answers.map(({ json }) => json.transaction.id)).size).toBe(1);
    expect((await again()).json.bonus).toBe(5);
    expect(await balanceOf(project)).toEqual({ credits: 1_000_000, bonus: 5 });
    expect((await root.post(path, { type: "bonus", amount: 6 }, once)).status).toBe(422);
  });

  it.each([
    { field: "type", body: { type: "gift", amount: 1 } },
    { field: "amount", body: { type: "topup", amount: 0 } },
    { field: "amount", body: { type: "topup", amount: -1 } },
    { field: "amount", body: { type: "topup", amount: 0.0000001 } },
    { field: "amount", body: { type: "topup", amount: 1e12 } },
    { field: "amount", body: { type: "topup", amount: "5" } },
  ])("is refused $body, and the answer names $field", async ({ field, body }) => {
    const project = await newProject();
    const { status, json } = await root.post(`/projects/${project.id}/billing/adjust`, body);
    expect([status, json.issues[0].path]).toEqual([422, field]);
    expect((await project.get("/billing/transactions")).json.total).toBe(1);
  });

  it("alone may adjust, and only a project that exists", async () => {
    const project = await newProject();
    const gift = { type: "bonus", amount: 5, description: "to myself" };
    expect((await project.post(`/projects/${project.id}/billing/adjust`, gift)).status).toBe(403);
    expect((await root.post(`/projects/${crypto.randomUUID()}/billing/adjust`, gift)).status).toBe(404);
    expect(await balanceOf(project)).toEqual({ credits: 1_000_000, bonus: 0 });
  });
});

describe("a turn", () => {
  it("is charged by what the model reports and the price", async () => {
    const model = new FakeModel(says("ok"));
    const chat = await newChat(model);
    await chat.thread().ask("hi");
    expect(await spent(chat.project)).toMatchObject([
      { type: "charge", amount: -TURN_COST, description: `${model.id}: 7 + 3 tokens` },
    ]);
    expect(await balanceOf(chat.project)).toEqual({ credits: 999_999.981, bonus: 0 });
  });

  it("is charged for each of its model calls", async () => {
    const tool = callsTool("set_mode", { mode: "manual" });
    const chat = await newChat(new FakeModel(tool, says("done")), { tools: { set_mode: "auto" } });
    await chat.thread().ask("hi");
    expect((await spent(chat.project)).map(({ amount }) => amount)).toEqual([-TURN_COST, -TURN_COST]);
    expect(sumOf(await transactionsOf(chat.project))).toBe(1_000_000 - 2 * TURN_COST);
  });

  it("is charged for its title too", async () => {
    const model = new FakeModel(says("ok"), says("A title"));
    const chat = await newChat(model, { memory: { generateTitle: true } });
    const thread = chat.thread();
    await thread.ask("hi");
    await eventually(async () => expect(await spent(chat.project)).toHaveLength(2));
    expect((await thread.get()).json.title).toBe("A title");
  });

  it("is not charged for a call that failed before a word", async () => {
    const broken = new FakeModel(fails(400));
    const model = new FakeModel(says("ok"));
    const chat = await newChat(broken, { model: { fallbacks: [model.id] } });
    await chat.thread().ask("hi");
    expect(await spent(chat.project)).toMatchObject([{ description: `${model.id}: 7 + 3 tokens` }]);
  });

  it("costs no more than there is, and the next is refused without a call", async () => {
    const model = new FakeModel(says("ok"));
    const chat = await poorChat(model, 0.01, { memory: { generateTitle: true } });
    const thread = chat.thread();
    expect((await thread.ask("hi")).text).toBe("ok");
    expect(await balanceOf(chat.project)).toEqual({ credits: 0, bonus: 0 });
    expect(sumOf(await transactionsOf(chat.project))).toBe(0);
    const calls = model.requests.length;
    const refused = await thread.stream("again");
    expect(refused.status).toBe(402);
    expect(await refused.json()).toEqual({
      error: "Payment Required",
      message: "the project has no credits left",
      statusCode: 402,
      request_id: expect.any(String),
    });
    expect(model.requests).toHaveLength(calls);
    expect(calls).toBe(1);
  });

  it("is answered again as soon as there are credits", async () => {
    const model = new FakeModel(says("ok"));
    const chat = await poorChat(model, 0);
    const thread = chat.thread();
    expect((await thread.stream("hi")).status).toBe(402);
    await adjust(chat.project, "bonus", 1);
    expect((await thread.ask("and now?")).text).toBe("ok");
    expect(await balanceOf(chat.project)).toEqual({ credits: 0, bonus: 1 - TURN_COST });
    expect(model.requests).toHaveLength(1);
  });

  it("of a model that costs nothing needs no credits", async () => {
    const chat = await newChat(undefined, { model: { id: "embedded/reply" } });
    await setCredits(chat.project, 0);
    expect((await chat.thread().ask("hi")).text).not.toBe("");
    expect(await spent(chat.project)).toEqual([]);
  });
});
