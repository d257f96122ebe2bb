import { describe, expect, it } from "vitest";
import { balanceOf, setCredits, transactionsOf } from "../helpers/money.ts";
import { callWorker, newProject, type Caller } from "../helpers/project.ts";
import { FakeStripe } from "../helpers/stripe.ts";

/** A project without credits, and an invoice of it that Stripe is to be paid. */
async function ordered(stripe: FakeStripe, credits?: number) {
  const project = await newProject();
  await setCredits(project, 0);
  const body = { offer_id: "topup-100k", ...(credits ? { credits } : {}) };
  const { json } = await stripe.call(project.key, "POST", "/billing/invoices", body);
  return { project, invoice: json.invoice, url: json.payment_url as string, session: stripe.sessions.at(-1)! };
}

const invoiceOf = async (project: Caller) => (await project.get("/billing/invoices")).json[0];

const COMPLETED = "checkout.session.completed";
const EXPIRED = "checkout.session.expired";

describe("an invoice that Stripe is paid", () => {
  it("leads to Checkout, for the amount and the credits of the offer", async () => {
    const stripe = new FakeStripe();
    const { project, invoice, url, session } = await ordered(stripe, 50_000);
    expect(url).toBe(session.url);
    expect(invoice).toMatchObject({ status: "pending", amount: 5, credits: 50_000, payment_url: session.url });
    expect(session.fields).toMatchObject({
      mode: "payment",
      client_reference_id: invoice.id,
      "metadata[invoice_id]": invoice.id,
      "metadata[project_id]": project.id,
      "line_items[0][price_data][unit_amount]": "500",
      "line_items[0][price_data][currency]": "usd",
      success_url: `https://parley.test/pay/${invoice.id}`,
    });
  });

  it("brings its credits once, however often the payment is told", async () => {
    const stripe = new FakeStripe();
    const { project, session } = await ordered(stripe);
    const told = await Promise.all([1, 2, 3].map(() => stripe.tell(COMPLETED, session)));
    expect(told.map(({ status }) => status)).toEqual([200, 200, 200]);
    await stripe.tell("checkout.session.async_payment_succeeded", session);
    expect(await invoiceOf(project)).toMatchObject({ status: "paid" });
    expect(await balanceOf(project)).toEqual({ credits: 100_000, bonus: 0 });
    expect((await transactionsOf(project)).filter(({ amount }) => amount === 100_000)).toHaveLength(1);
  });

  it("brings nothing while the payment is under way", async () => {
    const stripe = new FakeStripe();
    const { project, session } = await ordered(stripe);
    await stripe.tell(COMPLETED, session, { payment_status: "unpaid" });
    expect(await balanceOf(project)).toEqual({ credits: 0, bonus: 0 });
    await stripe.tell("checkout.session.async_payment_succeeded", session);
    expect(await balanceOf(project)).toEqual({ credits: 100_000, bonus: 0 });
  });

  it("is cancelled when nobody pays, and paid all the same when news come in the wrong order", async () => {
    const stripe = new FakeStripe();
    const { project, session } = await ordered(stripe);
    await stripe.tell(EXPIRED, session);
    expect(await invoiceOf(project)).toMatchObject({ status: "cancelled" });
    await stripe.tell(COMPLETED, session);
    await stripe.tell(EXPIRED, session);
    expect(await invoiceOf(project)).toMatchObject({ status: "paid" });
    expect(await balanceOf(project)).toEqual({ credits: 100_000, bonus: 0 });
  });

  it("is one, with one place to pay, for one Idempotency-Key", async () => {
    const stripe = new FakeStripe();
    const project = await newProject();
    const once = { "idempotency-key": crypto.randomUUID() };
    const order = () => stripe.call(project.key, "POST", "/billing/invoices", { offer_id: "topup-1m" }, once);
    const answers = await Promise.all([order(), order()]);
    expect(new Set([...answers, await order()].map(({ json }) => json.payment_url)).size).toBe(1);
    expect(stripe.sessions).toHaveLength(1);
    expect((await project.get("/billing/invoices")).json).toHaveLength(1);
  });

  it("is none when Stripe does not take it, and can be tried again", async () => {
    const stripe = new FakeStripe();
    const project = await newProject();
    const order = () => stripe.call(project.key, "POST", "/billing/invoices", { offer_id: "topup-1m" });
    stripe.failures = [400];
    const { status, json } = await order();
    expect([status, json.message]).toEqual([502, expect.stringContaining("payment provider")]);
    expect((await project.get("/billing/invoices")).json).toEqual([]);
    stripe.failures = [500];
    expect((await order()).status).toBe(200);
  });
});

describe("a call that says it comes from Stripe", () => {
  it("is believed by its signature alone", async () => {
    const stripe = new FakeStripe();
    const { project, session } = await ordered(stripe);
    expect((await stripe.tell(COMPLETED, session, {}, "another secret")).status).toBe(401);
    const longAgo = Date.now() - 60 * 60_000;
    expect((await stripe.tell(COMPLETED, session, {}, undefined, longAgo)).status).toBe(401);
    expect((await stripe.call("none", "POST", "/payments/webhook", { type: COMPLETED })).status).toBe(401);
    expect(await balanceOf(project)).toEqual({ credits: 0, bonus: 0 });
  });

  it("is answered well when it concerns nothing of ours", async () => {
    const stripe = new FakeStripe();
    const { project, session } = await ordered(stripe);
    expect((await stripe.tell("customer.created", session)).status).toBe(200);
    expect((await stripe.tell(COMPLETED, session, { metadata: {} })).status).toBe(200);
    expect((await stripe.tell(COMPLETED, session, { metadata: { invoice_id: "nothing" } })).status).toBe(200);
    expect(await balanceOf(project)).toEqual({ credits: 0, bonus: 0 });
  });

  it("finds nobody where Stripe is not set up", async () => {
    const response = await callWorker(new Request("http://test/payments/webhook", { method: "POST", body: "{}" }));
    expect(response.status).toBe(404);
  });
});
