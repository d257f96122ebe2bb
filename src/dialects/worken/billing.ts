import * as z from "zod";
import { adjustBalance, getAccount, listTransactions } from "../../core/billing.ts";
import { microFrom } from "../../core/credits.ts";
import type { Api } from "../../http/route.ts";
import { AdjustBalance, Adjusted, Balance, BillingAccount, TransactionList, TransactionQuery } from "./schemas.ts";
import { accountView, balanceView, transactionView } from "./wire.ts";

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
