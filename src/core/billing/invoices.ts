import { and, asc, eq, isNull } from "drizzle-orm";
import { invoices, type Invoice } from "../../db/schema.ts";
import { sha256 } from "../../lib/hash.ts";
import { balanceWatch } from "./balance.ts";
import { ringIfLow } from "./balance-alerts.ts";
import type { AdminCtx, Ctx } from "../context.ts";
import { DomainError, invalid, notFound } from "../errors.ts";
import { priceOfCredits, type Offer } from "./offers.ts";
import { afterCursor, pageByCreation, type Page, type PageRequest } from "../pages.ts";

export type { Invoice };

export const listOffers = ({ billing }: Ctx): Offer[] => billing.offers;

export async function listInvoices(ctx: Ctx, page: PageRequest): Promise<Page<Invoice>> {
  const rows = await ctx.db
    .select()
    .from(invoices)
    .where(and(eq(invoices.projectId, ctx.project.id), afterCursor(page.cursor, invoices)))
    .orderBy(asc(invoices.createdAt), asc(invoices.id))
    .limit(page.limit + 1);
  return pageByCreation(rows, page.limit);
}

type InvoiceInput = { offerId: string; credits: number | null; origin: string };

/**
 * Opens an invoice and the place where it is paid. It is stored first: a payment never comes for something that nobody
 * knows. Repeated with its Idempotency-Key it is the same invoice, and the same payment.
 */
export async function createInvoice(ctx: Ctx, input: InvoiceInput): Promise<Invoice & { paymentUrl: string }> {
  const offer = ctx.billing.offers.find(({ id }) => id === input.offerId);
  if (!offer) throw invalid("offer_id", "there is no such offer");
  const credits = input.credits ?? offer.credits;
  const invoice = await storeInvoice(ctx, offer, credits);
  const { url, reference } = await openPayment(ctx, invoice, offer, ctx.publicUrl ?? input.origin);
  const opened = { paymentUrl: url, reference };
  await ctx.db.update(invoices).set(opened).where(eq(invoices.id, invoice.id));
  return { ...invoice, ...opened };
}

/** An invoice that cannot be paid is none. */
async function openPayment(ctx: Ctx, invoice: Invoice, offer: Offer, origin: string) {
  try {
    return await ctx.payments.open(invoice, { offer, origin });
  } catch (error) {
    await ctx.db.delete(invoices).where(and(eq(invoices.id, invoice.id), isNull(invoices.paymentUrl)));
    throw error;
  }
}

async function storeInvoice(ctx: Ctx, offer: Offer, credits: number): Promise<Invoice> {
  const { provider, currency } = ctx.payments;
  const invoice: Invoice = {
    id: ctx.once ? await idOfRepeatable(ctx.project.id, ctx.once) : ctx.newId(),
    projectId: ctx.project.id,
    offerId: offer.id,
    status: "pending",
    credits,
    amount: priceOfCredits(offer, credits),
    currency,
    provider,
    reference: null,
    paymentUrl: null,
    createdAt: ctx.now(),
    paidAt: null,
  };
  if (invoice.amount === 0) throw invalid("credits", "so few cost nothing");
  await ctx.db.insert(invoices).values(invoice).onConflictDoNothing();
  return (await ctx.db.query.invoices.findFirst({ where: eq(invoices.id, invoice.id) })) ?? invoice;
}

const idOfRepeatable = async (projectId: string, { key, requestHash }: { key: string; requestHash: string }) =>
  `inv-${(await sha256(`${projectId} ${key} ${requestHash}`)).slice(0, 32)}`;

/** Confirms a payment by hand. */
export async function payInvoice(ctx: AdminCtx, projectId: string, id: string): Promise<Invoice> {
  const invoice = await findInvoice(ctx, id);
  if (!invoice || invoice.projectId !== projectId) throw notFound("invoice", id);
  if (invoice.status === "cancelled") throw new DomainError("conflict", "this invoice is cancelled");
  await settleInvoice(ctx, invoice);
  return (await findInvoice(ctx, id))!;
}

/**
 * The money has come: the credits are added, once, however often this is told. A payment that comes after the invoice was
 * cancelled counts as well.
 */
async function settleInvoice(ctx: AdminCtx, { id, projectId, credits, offerId }: Invoice): Promise<void> {
  const now = ctx.now().getTime();
  const d1 = ctx.db.$client;
  const done = await d1.batch([
    d1.prepare("update invoices set status = 'paid', paid_at = ? where id = ? and status <> 'paid'").bind(now, id),
    d1
      .prepare(
        `insert into transactions (project_id, id, type, credits, bonus, description, created_at)
         values (?, ?, 'topup', ?, 0, ?, ?) on conflict do nothing`,
      )
      .bind(projectId, `invoice-${id}`, credits, `Invoice ${id}: ${offerId}`, now),
    balanceWatch(ctx, projectId),
  ]);
  ringIfLow(ctx, projectId, done);
}

/** Nobody will pay it any more. What is paid stays paid, whatever comes after it. */
const cancelInvoice = async (ctx: AdminCtx, id: string): Promise<void> =>
  void (await ctx.db
    .update(invoices)
    .set({ status: "cancelled" })
    .where(and(eq(invoices.id, id), eq(invoices.status, "pending"))));

export async function findInvoice(ctx: Pick<AdminCtx, "db">, id: string): Promise<Invoice | null> {
  return (await ctx.db.query.invoices.findFirst({ where: eq(invoices.id, id) })) ?? null;
}

/** What a payment provider tells us by a call of its own. One that concerns no invoice of ours is ignored. */
export async function acceptPaymentNews(ctx: AdminCtx, call: { headers: Headers; body: string }): Promise<void> {
  const news = await ctx.payments.read(call);
  const invoice = news && (await findInvoice(ctx, news.invoiceId));
  if (!invoice) return;
  if (news.status === "paid") await settleInvoice(ctx, invoice);
  else await cancelInvoice(ctx, invoice.id);
}
