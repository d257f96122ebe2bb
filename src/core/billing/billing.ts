import { and, desc, eq } from "drizzle-orm";
import { accounts, transactions, type TRANSACTION_TYPES } from "../../db/schema.ts";
import { sha256 } from "../../lib/hash.ts";
import { ringIfLow } from "./balance-alerts.ts";
import { balanceWatch } from "./balance.ts";
import type { AdminCtx, Ctx } from "../context.ts";
import { notFound } from "../errors.ts";
import { getProject } from "../projects.ts";

export type Account = typeof accounts.$inferSelect;
export type Transaction = typeof transactions.$inferSelect;
type TransactionType = (typeof TRANSACTION_TYPES)[number];

/** A key sees its own project's account, the administrator any. */
export async function getAccount(ctx: Ctx | AdminCtx, projectId: string): Promise<Account> {
  const visible = !ctx.project || ctx.project.id === projectId;
  const account = visible && (await ctx.db.query.accounts.findFirst({ where: eq(accounts.projectId, projectId) }));
  if (!account) throw notFound("project", projectId);
  return account;
}

/** Newest first, with the number of all. */
export async function listTransactions(
  ctx: Ctx,
  { limit, offset }: { limit: number; offset: number },
): Promise<{ items: Transaction[]; total: number }> {
  const [items, [account]] = await ctx.db.batch([
    ctx.db
      .select()
      .from(transactions)
      .where(eq(transactions.projectId, ctx.project.id))
      .orderBy(desc(transactions.createdAt), desc(transactions.id))
      .limit(limit)
      .offset(offset),
    ctx.db.select().from(accounts).where(eq(accounts.projectId, ctx.project.id)),
  ]);
  return { items, total: account?.transactions ?? 0 };
}

type Adjustment = { type: TransactionType; amount: number; description: string };

/**
 * Adds to a balance or takes from it; an amount is in micro-credits and positive. More than there is cannot be taken: the
 * transaction says what was.
 */
export async function adjustBalance(
  ctx: AdminCtx,
  projectId: string,
  adjustment: Adjustment,
): Promise<{ transaction: Transaction; account: Account }> {
  const project = await getProject(ctx, projectId);
  const id = ctx.once ? await idOfRepeatable(project.id, ctx.once.key) : ctx.newId();
  const done = await ctx.db.$client.batch([
    transactionStatement(ctx, project.id, { id, ...adjustment }),
    balanceWatch(ctx, project.id),
  ]);
  ringIfLow(ctx, project.id, done);
  await ctx
    .feedOf(project.id)
    .forgetBalance()
    .catch((error: unknown) => console.error("balance", error));
  const transaction = await ctx.db.query.transactions.findFirst({
    where: and(eq(transactions.projectId, project.id), eq(transactions.id, id)),
  });
  return { transaction: transaction!, account: await getAccount(ctx, project.id) };
}

/** A call that is repeated with its Idempotency-Key meets its own row, even where the answer of the first was lost. */
const idOfRepeatable = async (projectId: string, key: string) => `adjust-${await sha256(`${projectId} ${key}`)}`;

/** A transaction whose id is there already changes nothing. A refund comes as credits. */
function transactionStatement(
  { db, now }: Pick<AdminCtx, "db" | "now">,
  projectId: string,
  { id, type, amount, description }: Adjustment & { id: string },
): D1PreparedStatement {
  const [credits, bonus] = TAKES.includes(type)
    ? ["-min(credits, ?1 - min(bonus, ?1))", "-min(bonus, ?1)"]
    : type === "bonus"
      ? ["0", "?1"]
      : ["?1", "0"];
  return db.$client
    .prepare(
      `insert into transactions (project_id, id, type, credits, bonus, description, created_at)
       select project_id, ?2, ?3, ${credits}, ${bonus}, ?4, ?5 from accounts where project_id = ?6
       on conflict do nothing`,
    )
    .bind(amount, id, type, description, now().getTime(), projectId);
}

const TAKES: TransactionType[] = ["charge"];
