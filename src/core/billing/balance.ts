import { accounts, transactions } from "../../db/schema.ts";
import type { Limit } from "./budgets.ts";
import type { AdminCtx, Ctx } from "../context.ts";

type ForBalances = Pick<Ctx | AdminCtx, "db" | "billing">;

/** The account of a new project, which begins with the credits that everyone gets. */
export const openAccount = ({ db, billing }: ForBalances, project: { id: string; createdAt: Date }) => [
  db.insert(accounts).values({ projectId: project.id, isLow: billing.openingCredits < billing.lowBalance }),
  db.insert(transactions).values({
    projectId: project.id,
    id: "opening",
    type: "topup",
    credits: billing.openingCredits,
    bonus: 0,
    description: "Opening balance",
    createdAt: project.createdAt,
  }),
];

/** Notes whether a balance is below the threshold now; answers a row only where that has changed. */
export const balanceWatch = ({ db, billing }: ForBalances, projectId: string) =>
  db.$client
    .prepare(
      `update accounts set is_low = credits + bonus < ?1 where project_id = ?2 and is_low <> (credits + bonus < ?1)
       returning is_low, credits, bonus`,
    )
    .bind(billing.lowBalance, projectId);

/**
 * The whole balance in micro-credits, which of the charges that were asked about are in it, and what was spent of the
 * budgets that were asked about, by their `limitKey`; all of one moment.
 */
export type BalanceReading = { balance: number; charged: string[]; spent: Map<string, number> };

export const limitKey = ({ scope, since }: Pick<Limit, "scope" | "since">) => `${scope} ${since}`;

export async function readBalance(
  { db, project }: Pick<Ctx, "db" | "project">,
  calls: string[],
  limits: Pick<Limit, "scope" | "since">[],
): Promise<BalanceReading> {
  const d1 = db.$client;
  const [account, charged, spent] = await d1.batch<{ balance?: number; id?: string; key?: string; spent?: number }>([
    d1.prepare("select credits + bonus as balance from accounts where project_id = ?").bind(project.id),
    d1
      .prepare("select id from model_calls where project_id = ? and id in (select value from json_each(?))")
      .bind(project.id, JSON.stringify(calls)),
    d1
      .prepare(
        `select value ->> 'scope' || ' ' || (value ->> 'since') as key,
           (select coalesce(sum(cost), 0) from usage_days
            where project_id = ? and scope = value ->> 'scope' and day >= value ->> 'since') as spent
         from json_each(?)`,
      )
      .bind(project.id, JSON.stringify(limits)),
  ]);
  return {
    balance: account!.results[0]?.balance ?? 0,
    charged: charged!.results.map(({ id }) => id!),
    spent: new Map(spent!.results.map((row) => [row.key!, row.spent!])),
  };
}
