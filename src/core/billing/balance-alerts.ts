import { eq } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { balanceAlerts } from "../../db/schema.ts";
import { uuidFrom } from "../../lib/hash.ts";
import type { AdminCtx, Ctx } from "../context.ts";
import { creditsOf } from "./credits.ts";
import type { JobPort } from "../ports.ts";
import { ringWebhooks, webhookInserts } from "../webhooks/webhooks.ts";

const MOST_AT_ONCE = 20;

/** To be called with the results of a batch that had a `balanceWatch` in it. */
export function ringIfLow(
  { jobs, defer }: Pick<Ctx | AdminCtx, "jobs" | "defer">,
  projectId: string,
  results: D1Result[],
) {
  const isLow = results.some(({ results: rows }) => rows.some((row) => (row as { is_low?: number }).is_low === 1));
  if (isLow) defer(jobs.ring({ kind: "tell-low-balance", projectId }));
}

/** Tells those who watch the project, and its webhook endpoints, once for each time that the balance ran low. */
export async function tellLowBalance(ctx: Ctx): Promise<void> {
  const alerts = await ctx.db
    .select()
    .from(balanceAlerts)
    .where(eq(balanceAlerts.projectId, ctx.project.id))
    .limit(MOST_AT_ONCE);
  for (const { id, ...balance } of alerts) {
    const data = { credits: creditsOf(balance.credits), bonus: creditsOf(balance.bonus) };
    await ctx.feed.publish([
      { source: `balance-low/${id}`, seq: 1, events: [{ threadId: null, type: "balance-low", ...data }] },
    ]);
    const event = { type: "billing.balance.low" as const, data, id: await uuidFrom(`balance-low/${id}`) };
    await ctx.db.batch([...webhookInserts(ctx, event), ctx.db.delete(balanceAlerts).where(eq(balanceAlerts.id, id))]);
    ringWebhooks(ctx);
  }
}

/** Rings for what nobody was told of yet: a bell may have been lost. */
export async function sweepLowBalances(db: Db, jobs: JobPort): Promise<void> {
  const waiting = await db.selectDistinct({ projectId: balanceAlerts.projectId }).from(balanceAlerts).limit(100);
  await Promise.all(waiting.map(({ projectId }) => jobs.ring({ kind: "tell-low-balance", projectId })));
}
