import { ringIfLow } from "./balance-alerts.ts";
import type { Ctx } from "../context.ts";
import { chargeStatements, type ModelCall } from "./model-calls.ts";
import type { Embedder } from "../ports.ts";
import { costOf, estimateTokens, isFree, priceOf } from "./prices.ts";

/** An embedding model that is paid like any other: it is not called where no credits are left. */
export function paidEmbedder(ctx: Ctx, modelId: string, embedder: Embedder): Embedder {
  const price = priceOf(ctx.billing.prices, modelId);
  if (isFree(price)) return embedder;
  return {
    ...embedder,
    async embed(texts) {
      const inputTokens = texts.reduce((sum, text) => sum + estimateTokens(text), 0);
      const usage = { inputTokens, outputTokens: 0 };
      const call = { id: ctx.newId(), modelId, ...usage, isEstimate: true, cost: costOf(price, usage) };
      const hold = ctx.newId();
      await ctx.feed.reserve({ hold, amount: call.cost, limits: [] });
      let made: ModelCall[] = [];
      try {
        const vectors = await embedder.embed(texts);
        made = [call];
        return vectors;
      } finally {
        ctx.defer(settle(ctx, hold, made).catch((error: unknown) => console.error("embedding", error)));
      }
    },
  };
}

async function settle(ctx: Ctx, hold: string, calls: ModelCall[]): Promise<void> {
  const bill = { hold, calls, purpose: "embedding" as const, messageId: null, botId: null, personId: null };
  const charges = chargeStatements(ctx, null, [{ ...bill, createdAt: ctx.now().getTime() }]);
  if (charges.length > 0) ringIfLow(ctx, ctx.project.id, await ctx.db.$client.batch(charges));
  await ctx.feed.publish([], [{ hold, charges: calls }]);
}
