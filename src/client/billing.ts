import { path, type CallOptions, type Connection } from "./connection.ts";
import type {
  AdjustBalance,
  Adjusted,
  Balance,
  BillingAccount,
  BillingOffer,
  CreatedInvoice,
  CreateInvoice,
  Invoice,
  ListQuery,
  ModelCallList,
  ModelCallQuery,
  TransactionList,
  TransactionQuery,
  Usage,
  UsageQuery,
} from "./types.ts";

export const billing = (connection: Connection) => ({
  account: (options?: CallOptions) => connection.get<BillingAccount>("/billing/account", options),
  balance: (options?: CallOptions) => connection.get<Balance>("/billing/balance", options),
  offers: (options?: CallOptions) => connection.get<BillingOffer[]>("/billing/offers", options),
  /** What was used: by the day if nothing else is said, by the bot or by the person. */
  usage: (query?: UsageQuery, options?: CallOptions) => connection.list<Usage>("/billing/usage", query, options),
  /** Every call of a model, newest first. */
  modelCalls: (query?: ModelCallQuery, options?: CallOptions) =>
    connection.list<ModelCallList>("/billing/usage/calls", query, options),
  /** Newest first; `total` says how many there are. */
  transactions: (query?: TransactionQuery, options?: CallOptions) =>
    connection.get<TransactionList>("/billing/transactions", options, query),

  invoices: {
    list: (query?: ListQuery, options?: CallOptions) => connection.list<Invoice[]>("/billing/invoices", query, options),
    create: (invoice: CreateInvoice, options?: CallOptions) =>
      connection.post<CreatedInvoice>("/billing/invoices", invoice, options),
    /** With ROOT_KEY: the money has come. */
    pay: (projectId: string, invoiceId: string, options?: CallOptions) =>
      connection.post<Invoice>(path`/billing/invoices/${invoiceId}/pay`, { project_id: projectId }, options),
  },

  /** With ROOT_KEY: adds to a project's balance or takes from it. */
  adjust: (projectId: string, adjustment: AdjustBalance, options?: CallOptions) =>
    connection.post<Adjusted>(path`/projects/${projectId}/billing/adjust`, adjustment, options),
});
