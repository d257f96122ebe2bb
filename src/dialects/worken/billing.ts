import * as z from "zod";
import { adjustBalance, getAccount, listTransactions } from "../../core/billing/billing.ts";
import { microFrom } from "../../core/billing/credits.ts";
import { createInvoice, listInvoices, listOffers, payInvoice } from "../../core/billing/invoices.ts";
import { listModelCalls, listUsage } from "../../core/billing/usage.ts";
import type { Api } from "../../http/route.ts";
import { pageView } from "./pages.ts";
import {
  AdjustBalance,
  Adjusted,
  Balance,
  BillingAccount,
  BillingOffer,
  CreatedInvoice,
  CreateInvoice,
  Invoice,
  ListQuery,
  ModelCallList,
  ModelCallQuery,
  PayInvoice,
  TransactionList,
  TransactionQuery,
  Usage,
  UsageQuery,
} from "./schemas.ts";
import { accountView, balanceView, invoiceView, modelCallView, offerView, transactionView, usageView } from "./wire.ts";

const Id = z.object({ id: z.string() });

export const billing = (api: Api) =>
  api
    .on("get", "/billing/account", { summary: "Get the billing account", ok: BillingAccount }, async ({ ctx }) =>
      accountView(await getAccount(ctx, ctx.project.id)),
    )
    .on("get", "/billing/balance", { summary: "Get the balance", ok: Balance }, async ({ ctx }) =>
      balanceView(await getAccount(ctx, ctx.project.id)),
    )
    .on(
      "get",
      "/billing/transactions",
      {
        summary: "List transactions",
        description: "Newest first. What was taken is negative: the sum of all amounts is the balance.",
        query: TransactionQuery,
        ok: TransactionList,
      },
      async ({ ctx, query }) => {
        const { items, total } = await listTransactions(ctx, query);
        return { data: items.map(transactionView), total };
      },
    )
    .on(
      "get",
      "/billing/usage",
      {
        summary: "Sum up what was used",
        description: "By the day, newest first, by the bot or by the person. Days are UTC.",
        query: UsageQuery,
        ok: Usage,
      },
      async ({ ctx, query: { bot_id: botId, person_id: personId, ...request } }) => {
        const { items, next } = await listUsage(ctx, { ...request, botId, personId });
        return { data: items.map((sum) => usageView(request.group, sum)), next_cursor: next };
      },
    )
    .on(
      "get",
      "/billing/usage/calls",
      { summary: "List model calls", description: "Newest first.", query: ModelCallQuery, ok: ModelCallList },
      async ({ ctx, query: { message_id: messageId, from, to, ...page } }) => {
        const range = { from: from ? new Date(from) : undefined, to: to ? new Date(to) : undefined };
        const { items, next } = await listModelCalls(ctx, { ...page, ...range, messageId });
        return { data: items.map(modelCallView), next_cursor: next };
      },
    )
    .on("get", "/billing/offers", { summary: "List offers", ok: z.array(BillingOffer) }, ({ ctx }) =>
      listOffers(ctx).map(offerView),
    )
    .on(
      "get",
      "/billing/invoices",
      { summary: "List invoices", query: ListQuery, ok: z.array(Invoice) },
      async ({ c, ctx, query }) => pageView(c, await listInvoices(ctx, query), invoiceView),
    )
    .on(
      "post",
      "/billing/invoices",
      { summary: "Create an invoice to top up the balance", json: CreateInvoice, ok: CreatedInvoice },
      async ({ c, ctx, json }) => {
        const credits = json.credits === undefined ? null : microFrom(json.credits);
        const { origin } = new URL(c.req.url);
        const invoice = await createInvoice(ctx, { offerId: json.offer_id, credits, origin });
        return { invoice: invoiceView(invoice), payment_url: invoice.paymentUrl };
      },
    )
    .on(
      "post",
      "/billing/invoices/:id/pay",
      {
        summary: "Confirm the payment of an invoice",
        description: "Adds its credits to the balance; once, however often it is called.",
        params: Id,
        json: PayInvoice,
        ok: Invoice,
        access: "root",
      },
      async ({ ctx, params, json }) => invoiceView(await payInvoice(ctx, json.project_id, params.id)),
    )
    .on(
      "get",
      "/projects/:id/billing",
      { summary: "Get a project's billing account", params: Id, ok: BillingAccount, access: "either" },
      async ({ ctx, params }) => accountView(await getAccount(ctx, params.id)),
    )
    .on(
      "post",
      "/projects/:id/billing/adjust",
      {
        summary: "Add to a project's balance or take from it",
        description: "A `charge` takes bonus first, then credits, and never more than there is.",
        params: Id,
        json: AdjustBalance,
        ok: Adjusted,
        access: "root",
      },
      async ({ ctx, params, json: { amount, ...what } }) => {
        const { transaction, account } = await adjustBalance(ctx, params.id, { ...what, amount: microFrom(amount) });
        return { transaction: transactionView(transaction), ...balanceView(account) };
      },
    );
