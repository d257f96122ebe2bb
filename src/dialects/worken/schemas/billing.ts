import * as z from "zod";
import { Time } from "./parts.ts";

/** Amounts are in credits; what is smaller than a millionth is refused rather than rounded. */
const Amount = z
  .number()
  .positive()
  .max(1_000_000_000)
  .refine((credits) => Number(credits.toFixed(6)) === credits, "must have at most 6 decimals");

export const Balance = z.object({ credits: z.number(), bonus: z.number() }).meta({ id: "Balance" });

export const BillingAccount = z
  .object({ tariff: z.string(), credits: z.number(), bonus: z.number(), subscription_until: Time.nullable() })
  .meta({ id: "BillingAccount" });

const TransactionType = z.enum(["charge", "topup", "bonus", "refund"]);

export const Transaction = z
  .object({ id: z.string(), type: TransactionType, amount: z.number(), description: z.string(), created_at: Time })
  .meta({ id: "Transaction", description: "`amount` is negative where something was taken." });

export const TransactionQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(20),
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
});

export const TransactionList = z.object({ data: z.array(Transaction), total: z.int() }).meta({ id: "TransactionList" });

export const AdjustBalance = z
  .object({ type: TransactionType, amount: Amount, description: z.string().max(1000).default("") })
  .meta({ id: "AdjustBalance" });

const Day = z.iso.date().meta({ examples: ["2026-11-25"] });

export const UsageQuery = z.object({
  group: z.enum(["day", "bot", "person"]).default("day"),
  from: Day.default("0000-01-01"),
  to: Day.default("9999-12-31"),
  bot_id: z.string().max(128).optional(),
  person_id: z.string().max(128).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(500).optional(),
});

const Used = z.object({ calls: z.int(), input_tokens: z.int(), output_tokens: z.int(), cost: z.number() });

export const Usage = z
  .object({
    data: z.array(
      Used.extend({
        day: z.string().optional(),
        bot_id: z.string().nullable().optional().meta({ description: "null: of no bot, as what documents need" }),
        person_id: z.string().optional(),
      }),
    ),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: "Usage" });

export const ModelCallQuery = z.object({
  message_id: z.string().max(128).optional(),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(500).optional(),
});

export const ModelCall = z
  .object({
    id: z.string(),
    purpose: z.enum(["answer", "title", "embedding"]),
    model: z.string(),
    thread_id: z.string().nullable(),
    message_id: z.string().nullable(),
    bot_id: z.string().nullable(),
    person_id: z.string().nullable(),
    input_tokens: z.int(),
    output_tokens: z.int(),
    is_estimate: z.boolean(),
    cost: z.number(),
    created_at: Time,
  })
  .meta({ id: "ModelCall", description: "`is_estimate`: the model did not say what it used." });

export const ModelCallList = z
  .object({ data: z.array(ModelCall), next_cursor: z.string().nullable() })
  .meta({ id: "ModelCallList" });

export const BillingOffer = z
  .object({ id: z.string(), name: z.string(), price: z.number(), credits: z.number(), description: z.string() })
  .meta({ id: "BillingOffer" });

export const Invoice = z
  .object({
    id: z.string(),
    status: z.enum(["pending", "paid", "cancelled"]),
    amount: z.number(),
    currency: z.string(),
    credits: z.number(),
    payment_url: z.string().nullable(),
    created_at: Time,
    paid_at: Time.nullable(),
  })
  .meta({ id: "Invoice", description: "`amount` is to be paid, in the currency; `credits` is what it brings." });

export const CreateInvoice = z
  .object({
    offer_id: z
      .string()
      .min(1)
      .max(100)
      .meta({ examples: ["topup-100k"] }),
    credits: Amount.optional(),
  })
  .meta({ id: "CreateInvoice", description: "`credits`: another amount than the offer's, at its rate." });

export const CreatedInvoice = z.object({ invoice: Invoice, payment_url: z.string() }).meta({ id: "CreatedInvoice" });

export const PayInvoice = z.object({ project_id: z.string().min(1).max(128) }).meta({ id: "PayInvoice" });

export const Adjusted = Balance.extend({ transaction: Transaction }).meta({ id: "Adjusted" });
