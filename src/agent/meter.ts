import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { DomainError } from "../core/errors.ts";
import type { Usage } from "../core/messages.ts";
import type { Bill, ModelCall } from "../core/billing/model-calls.ts";
import { costOf, isFree, priceOf, type Price, type PriceTable } from "../core/billing/prices.ts";

export type MeterOptions = {
  prices: PriceTable;
  newId: () => string;
  /**
   * Keeps an amount of micro-credits for one hold, all that it needs from its beginning. Answers what could be kept, which
   * may be less; rejects with `payment_required` where nothing is left.
   */
  reserve: (hold: string, amount: number) => Promise<number>;
};

type Open = { id: string; modelId: string; price: Price; inputTokens: number; letters: number; usage: Usage | null };
type Asked = { inputTokens: number; maxOutputTokens: number };

/** An answer that is cut off for lack of credits has at least this many tokens: a model refuses fewer. */
const FEWEST_TOKENS = 16;
const LETTERS_PER_TOKEN = 3;

/** Sees to it that the model calls of one turn are paid: each is covered before it is made, and counted when it ends. */
export class Meter {
  readonly #options: MeterOptions;
  readonly #hold: string;
  #hasAsked = false;
  readonly #calls: ModelCall[] = [];
  #open: Open | null = null;
  #held = 0;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#hold = options.newId();
  }

  /** What is owed if everything ended now; a call that has not reported what it used is estimated. */
  get bill(): Bill {
    const open = this.#open && callOf(this.#open);
    return { hold: this.#hasAsked ? this.#hold : null, calls: open ? [...this.#calls, open] : [...this.#calls] };
  }

  /** Covers a call that is about to be made; answers how many tokens it may say. A free one is not waited for. */
  async begin(modelId: string, asked: () => Asked): Promise<number | null> {
    const price = priceOf(this.#options.prices, modelId);
    const [id, free] = [this.#options.newId(), isFree(price)];
    const { inputTokens, maxOutputTokens } = free ? UNKNOWN : asked();
    const allowed = free ? null : await this.#cover(price, { inputTokens, maxOutputTokens });
    this.#open = { id, modelId, price, inputTokens, letters: 0, usage: null };
    return allowed;
  }

  hear(parts: LanguageModelV4StreamPart[]): void {
    if (!this.#open) return;
    for (const part of parts) {
      if (part.type === "text-delta" || part.type === "reasoning-delta") this.#open.letters += part.delta.length;
      else if (part.type === "tool-call") this.#open.letters += part.input.length;
      else if (part.type === "finish") {
        this.report({ inputTokens: part.usage.inputTokens.total, outputTokens: part.usage.outputTokens.total });
      }
    }
  }

  report({ inputTokens, outputTokens }: { inputTokens: number | undefined; outputTokens: number | undefined }): void {
    if (!this.#open || (inputTokens === undefined && outputTokens === undefined)) return;
    this.#open.usage = { inputTokens: inputTokens ?? 0, outputTokens: outputTokens ?? 0 };
  }

  /** The call has ended. One that failed before it said a word owes nothing but what it reported. */
  end(isOwed: boolean): void {
    const call = this.#open && (isOwed || this.#open.usage) ? callOf(this.#open) : null;
    if (call) this.#calls.push(call);
    this.#open = null;
  }

  /** What is kept already for calls before this one, and was not used up by them, serves this one too. */
  async #cover(price: Price, { inputTokens, maxOutputTokens }: Asked): Promise<number> {
    const spent = this.#calls.reduce((sum, { cost }) => sum + cost, 0);
    const needed = spent + costOf(price, { inputTokens, outputTokens: maxOutputTokens });
    if (needed > this.#held) {
      this.#hasAsked = true;
      this.#held = await this.#options.reserve(this.#hold, needed);
    }
    if (needed <= this.#held) return maxOutputTokens;
    if (spent >= this.#held)
      throw new DomainError("payment_required", "the credits ran out in the middle of the answer");
    const left = this.#held - spent - costOf(price, { inputTokens, outputTokens: 0 });
    const affordable = price.output > 0 ? Math.floor(left / price.output) : maxOutputTokens;
    return Math.min(maxOutputTokens, Math.max(affordable, FEWEST_TOKENS));
  }
}

const UNKNOWN: Asked = { inputTokens: 0, maxOutputTokens: 0 };

/** Null: it is free and nobody knows what it used. */
function callOf({ id, modelId, price, inputTokens, letters, usage }: Open): ModelCall | null {
  if (!usage && isFree(price)) return null;
  const used = usage ?? { inputTokens, outputTokens: Math.ceil(letters / LETTERS_PER_TOKEN) };
  return { id, modelId, ...used, isEstimate: !usage, cost: costOf(price, used) };
}
