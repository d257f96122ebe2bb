import type { Account, Transaction } from "../../../core/billing/billing.ts";
import { creditsOf } from "../../../core/billing/credits.ts";
import type { Invoice } from "../../../core/billing/invoices.ts";
import type { Offer } from "../../../core/billing/offers.ts";
import type { RecordedCall, UsageRequest, UsageSum } from "../../../core/billing/usage.ts";
import { type Wire, time, timeOrNull } from "./parts.ts";

export const balanceView = ({ credits, bonus }: Account): Wire<"Balance"> => ({
  credits: creditsOf(credits),
  bonus: creditsOf(bonus),
});

export const accountView = (account: Account): Wire<"BillingAccount"> => ({
  tariff: account.tariff,
  ...balanceView(account),
  subscription_until: timeOrNull(account.subscriptionUntil),
});

export const transactionView = (transaction: Transaction): Wire<"Transaction"> => ({
  id: transaction.id,
  type: transaction.type,
  amount: creditsOf(transaction.credits + transaction.bonus),
  description: transaction.description,
  created_at: time(transaction.createdAt),
});

export const usageView = (group: UsageRequest["group"], { key, ...sum }: UsageSum): Wire<"Usage">["data"][number] => ({
  ...(group === "day" ? { day: key } : group === "bot" ? { bot_id: key || null } : { person_id: key }),
  calls: sum.calls,
  input_tokens: sum.inputTokens,
  output_tokens: sum.outputTokens,
  cost: creditsOf(sum.cost),
});

export const modelCallView = (call: RecordedCall): Wire<"ModelCall"> => ({
  id: call.id,
  purpose: call.purpose,
  model: call.model,
  thread_id: call.threadId,
  message_id: call.messageId,
  bot_id: call.botId,
  person_id: call.personId,
  input_tokens: call.inputTokens,
  output_tokens: call.outputTokens,
  is_estimate: call.isEstimate,
  cost: creditsOf(call.cost),
  created_at: time(call.createdAt),
});

export const offerView = (offer: Offer): Wire<"BillingOffer"> => ({
  id: offer.id,
  name: offer.name,
  price: offer.price / 100,
  credits: creditsOf(offer.credits),
  description: offer.description,
});

export const invoiceView = (invoice: Invoice): Wire<"Invoice"> => ({
  id: invoice.id,
  status: invoice.status,
  amount: invoice.amount / 100,
  currency: invoice.currency,
  credits: creditsOf(invoice.credits),
  payment_url: invoice.paymentUrl,
  created_at: time(invoice.createdAt),
  paid_at: timeOrNull(invoice.paidAt),
});
