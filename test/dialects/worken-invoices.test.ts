import { describe, expect, it } from "vitest";
import { balanceOf, setCredits, sumOf, transactionsOf } from "../helpers/money.ts";
import { callWorker, newProject, root, type Caller } from "../helpers/project.ts";

const order = async (project: Caller, body: object = { offer_id: "topup-100k" }) =>
  (await project.post("/billing/invoices", body)).json;
const pay = (project: { id: string }, invoiceId: string) =>
  root.post(`/billing/invoices/${invoiceId}/pay`, { project_id: project.id });

describe("offers", () => {
  it("are listed with their price and credits", async () => {
    const { status, json } = await (await newProject()).get("/billing/offers");
    expect(status).toBe(200);
    expect(json).toEqual([
      { id: "topup-100k", name: "100,000 credits", price: 10, credits: 100_000, description: "One payment" },
      { id: "topup-1m", name: "1,000,000 credits", price: 90, credits: 1_000_000, description: "One payment" },
    ]);
  });
});

describe("an invoice", () => {
  it("is open until it is paid, and says where", async () => {
    const project = await newProject();
    const { invoice, payment_url } = await order(project);
    expect(invoice).toEqual({
      id: expect.any(String),
      status: "pending",
      amount: 10,
      currency: "usd",
      credits: 100_000,
      payment_url,
      created_at: expect.stringMatching(/Z$/),
      paid_at: null,
    });
    expect(payment_url).toBe(`https://parley.test/pay/${invoice.id}`);
    expect((await project.get("/billing/invoices")).json).toEqual([invoice]);
    expect((await balanceOf(project)).credits).toBe(1_000_000);
  });

  it("leads to a page that anyone with the link can read", async () => {
    const project = await newProject();
    const { invoice, payment_url } = await order(project);
    const read = async (url: string) => callWorker(new Request(url));
    const page = await read(payment_url);
    expect([page.status, page.headers.get("content-type")]).toEqual([200, expect.stringContaining("text/html")]);
    expect(await page.text()).toMatch(/10\.00 USD[^]*100,000 credits[^]*open/);
    await pay(project, invoice.id);
    expect(await (await read(payment_url)).text()).toContain("is paid");
    expect((await read("http://test/pay/nothing")).status).toBe(404);
  });

  it("may be for another amount, at the offer's rate and rounded up to a hundredth", async () => {
    const project = await newProject();
    const { invoice } = await order(project, { offer_id: "topup-1m", credits: 12_345.678901 });
    expect(invoice).toMatchObject({ credits: 12_345.678901, amount: 1.12 });
  });

  it("adds its credits once, however often the payment is confirmed", async () => {
    const project = await newProject();
    await setCredits(project, 0);
    const { invoice } = await order(project);
    const answers = await Promise.all([1, 2, 3].map(() => pay(project, invoice.id)));
    for (const { status, json } of [...answers, await pay(project, invoice.id)]) {
      expect([status, json]).toEqual([200, { ...invoice, status: "paid", paid_at: expect.stringMatching(/Z$/) }]);
    }
    expect(await balanceOf(project)).toEqual({ credits: 100_000, bonus: 0 });
    const transactions = await transactionsOf(project);
    expect(transactions.at(-1)).toMatchObject({ id: `invoice-${invoice.id}`, type: "topup", amount: 100_000 });
    expect(sumOf(transactions)).toBe(100_000);
  });

  it("is confirmed by the administrator alone, for the project that it is of", async () => {
    const [mine, theirs] = [await newProject(), await newProject()];
    const { invoice } = await order(theirs);
    expect((await theirs.post(`/billing/invoices/${invoice.id}/pay`, { project_id: theirs.id })).status).toBe(403);
    expect((await pay(mine, invoice.id)).status).toBe(404);
    expect((await pay(theirs, "nothing")).status).toBe(404);
    expect((await mine.get("/billing/invoices")).json).toEqual([]);
    expect((await balanceOf(theirs)).credits).toBe(1_000_000);
  });

  it("is one for one Idempotency-Key", async () => {
    const project = await newProject();
    const once = { "idempotency-key": crypto.randomUUID() };
    const again = () => project.post("/billing/invoices", { offer_id: "topup-1m" }, once);
    const ids = (await Promise.all([again(), again(), again()])).map(({ json }) => json.invoice.id);
    expect(new Set(ids).size).toBe(1);
    expect((await project.get("/billing/invoices")).json).toHaveLength(1);
  });

  it.each([
    { field: "offer_id", body: {} },
    { field: "offer_id", body: { offer_id: "free-beer" } },
    { field: "credits", body: { offer_id: "topup-1m", credits: 0 } },
    { field: "credits", body: { offer_id: "topup-1m", credits: -5 } },
    { field: "credits", body: { offer_id: "topup-1m", credits: 1e12 } },
    { field: "credits", body: { offer_id: "topup-1m", credits: 0.000001 } },
  ])("is refused $body, and the answer names $field", async ({ field, body }) => {
    const project = await newProject();
    const { status, json } = await project.post("/billing/invoices", body);
    expect([status, json.issues[0].path]).toEqual([422, field]);
    expect((await project.get("/billing/invoices")).json).toEqual([]);
  });

  it("is listed oldest first, in pages", async () => {
    const project = await newProject();
    const orders = [await order(project), await order(project), await order(project)];
    const { json, headers } = await project.get("/billing/invoices?limit=2");
    expect(json.map(({ id }: { id: string }) => id)).toEqual(orders.slice(0, 2).map(({ invoice }) => invoice.id));
    const [, next] = /<([^>]+)>; rel="next"/.exec(headers.get("link")!)!;
    expect((await project.get(next!)).json).toEqual([orders[2].invoice]);
  });
});
