import { accounts, transactions } from "../db/schema.ts";
import type { AdminCtx, Ctx } from "./context.ts";

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

/** The whole balance in micro-credits, and which of the charges that were asked about are in it. */
export type BalanceReading = { balance: number; charged: string[] };

export async function readBalance(
  { db, project }: Pick<Ctx, "db" | "project">,
  calls: string[],
): Promise<BalanceReading> {
  const d1 = db.$client;
  const [account, charged] = await d1.batch<{ balance?: number; id?: string }>([
    d1.prepare("select credits + bonus as balance from accounts where project_id = ?").bind(project.id),
    d1
      .prepare("select id from model_calls where project_id = ? and id in (select value from json_each(?))")
      .bind(project.id, JSON.stringify(calls)),
  ]);
  return { balance: account!.results[0]?.balance ?? 0, charged: charged!.results.map(({ id }) => id!) };
}
