import { parseModelId } from "../bot-settings.ts";
import type { Usage } from "../messages.ts";

/** In credits for a million tokens, which is micro-credits for one. */
export type Price = { input: number; output: number };

/** Prices by model id, by `provider/*`, and the `default` of all others. */
export type PriceTable = { default: Price; [model: string]: Price };

const FREE: Price = { input: 0, output: 0 };

/** The embedded models cost nothing, unless the table says so. */
export function priceOf(prices: PriceTable, modelId: string): Price {
  const { provider } = parseModelId(modelId);
  const named = ownPrice(prices, modelId) ?? ownPrice(prices, `${provider}/*`);
  return named ?? (provider === "embedded" ? FREE : prices.default);
}

const ownPrice = (prices: PriceTable, key: string) => (Object.hasOwn(prices, key) ? prices[key] : undefined);

export const isFree = ({ input, output }: Price) => input === 0 && output === 0;

/** In micro-credits, rounded up: what is used of a paid model is never nothing. */
export function costOf(price: Price, { inputTokens, outputTokens }: Usage): number {
  const exact = inputTokens * price.input + outputTokens * price.output;
  return Math.ceil(Number(exact.toFixed(6)));
}

/** About how many tokens a text has, as fast as can be: letters outside of ASCII take more of them. */
export const estimateTokens = (text: string): number =>
  // oxlint-disable-next-line no-control-regex
  Math.ceil(text.length / (/[^\x00-\x7f]/.test(text) ? 2 : 4));
