import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** The tables as drizzle reads and writes them. Indexes, and the search table, are declared in `migrations/` only. */

export * from "./knowledge-schema.ts";

const timestamp = (name: string) => integer(name, { mode: "timestamp_ms" });

export const STATUSES = ["active", "disabled", "error"] as const;
export const MODES = ["auto", "manual", "operator", "blocked"] as const;
export const VENDORS = [
  "telegram",
  "whatsapp",
  "vk",
  "ok",
  "max",
  "github",
  "google",
  "yandex",
  "amocrm",
  "bitrix",
  "avito",
  "sber",
  "worken",
] as const;

export const CALL_PURPOSES = ["answer", "title", "embedding"] as const;
export const INVOICE_STATUSES = ["pending", "paid", "cancelled"] as const;
export const PAYMENT_PROVIDERS = ["manual", "stripe"] as const;
export const TRANSACTION_TYPES = ["charge", "topup", "bonus", "refund"] as const;
export const SCHEDULE_KINDS = ["answer", "send", "task"] as const;
export const SCHEDULE_STATUSES = ["pending", "paused", "completed", "cancelled"] as const;
export const MISSED_RUNS = ["skip", "once"] as const;

export type JsonObject = { [key: string]: unknown };

export const projects = sqliteTable("projects", {
  id: text().primaryKey(),
  name: text().notNull(),
  organizationId: text("organization_id").notNull(),
  avatarUrl: text("avatar_url"),
  requestsPerMinute: integer("requests_per_minute"),
  createdAt: timestamp("created_at").notNull(),
});

export const apiKeys = sqliteTable("api_keys", {
  id: text().primaryKey(),
  projectId: text("project_id").notNull(),
  name: text().notNull(),
  hash: text().notNull(),
  lastUsedAt: timestamp("last_used_at"),
  createdAt: timestamp("created_at").notNull(),
});

export const bots = sqliteTable("bots", {
  id: text().primaryKey(),
  projectId: text("project_id").notNull(),
  name: text().notNull(),
  description: text(),
  status: text({ enum: STATUSES }).notNull(),
  settings: text({ mode: "json" }).$type<JsonObject>().notNull(),
  createdAt: timestamp("created_at").notNull(),
  updatedAt: timestamp("updated_at").notNull(),
  deletedAt: timestamp("deleted_at"),
});

export const integrations = sqliteTable("integrations", {
  id: text().primaryKey(),
  projectId: text("project_id").notNull(),
  name: text().notNull(),
  vendor: text({ enum: VENDORS }).notNull(),
  status: text({ enum: STATUSES }).notNull(),
  credentials: text().notNull(),
  settings: text({ mode: "json" }).$type<JsonObject>().notNull(),
  secrets: text(),
  setUp: text("set_up", { enum: ["none", "due", "done", "failed"] }).notNull(),
  error: text(),
  accessEndsAt: timestamp("access_ends_at"),
  createdAt: timestamp("created_at").notNull(),
  updatedAt: timestamp("updated_at").notNull(),
});

export const oauthStates = sqliteTable("oauth_states", {
  hash: text().primaryKey(),
  projectId: text("project_id").notNull(),
  integrationId: text("integration_id").notNull(),
  verifier: text().notNull(),
  expiresAt: timestamp("expires_at").notNull(),
});

export const chats = sqliteTable("chats", {
  id: text().primaryKey(),
  projectId: text("project_id").notNull(),
  botId: text("bot_id").notNull(),
  integrationId: text("integration_id").notNull(),
  name: text().notNull(),
  status: text({ enum: STATUSES }).notNull(),
  /** Why the status is `error`: what kept the bot from answering. */
  error: text(),
  settings: text({ mode: "json" }).$type<JsonObject>().notNull(),
  createdAt: timestamp("created_at").notNull(),
  updatedAt: timestamp("updated_at").notNull(),
  deletedAt: timestamp("deleted_at"),
});

export const people = sqliteTable("people", {
  id: text().primaryKey(),
  projectId: text("project_id").notNull(),
  integrationId: text("integration_id").notNull(),
  externalId: text("external_id").notNull(),
  name: text(),
  avatarUrl: text("avatar_url"),
  createdAt: timestamp("created_at").notNull(),
});

export const threads = sqliteTable(
  "threads",
  {
    projectId: text("project_id").notNull(),
    id: text().notNull(),
    chatId: text("chat_id").notNull(),
    botId: text("bot_id").notNull(),
    personId: text("person_id"),
    mode: text({ enum: MODES }).notNull(),
    title: text(),
    pendingCount: integer("pending_count").notNull(),
    lastMessageAt: timestamp("last_message_at"),
    createdAt: timestamp("created_at").notNull(),
    version: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.projectId, table.id] })],
);

export const conversations = sqliteTable(
  "conversations",
  {
    projectId: text("project_id").notNull(),
    integrationId: text("integration_id").notNull(),
    chatId: text("chat_id").notNull(),
    chatKey: text("chat_key").notNull(),
    threadId: text("thread_id").notNull(),
    reachable: integer({ mode: "boolean" }).notNull(),
    canReplyUntil: timestamp("can_reply_until"),
    createdAt: timestamp("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.chatId, table.chatKey] })],
);

export const inboundEvents = sqliteTable("inbound_events", {
  seq: integer().primaryKey(),
  projectId: text("project_id").notNull(),
  integrationId: text("integration_id").notNull(),
  eventId: text("event_id").notNull(),
  chatKey: text("chat_key").notNull(),
  body: text().notNull(),
  attempts: integer().notNull(),
  dueAt: timestamp("due_at").notNull(),
  receivedAt: timestamp("received_at").notNull(),
  doneAt: timestamp("done_at"),
});

export const channelSends = sqliteTable("channel_sends", {
  id: text().primaryKey(),
  projectId: text("project_id").notNull(),
  threadId: text("thread_id").notNull(),
  integrationId: text("integration_id").notNull(),
  chatKey: text("chat_key").notNull(),
  position: integer().notNull(),
  messageId: text("message_id").notNull(),
  author: text({ enum: ["bot", "operator"] }).notNull(),
  epoch: integer().notNull(),
  body: text().notNull(),
  status: text({ enum: ["waiting", "sent", "failed", "cancelled"] }).notNull(),
  error: text(),
  attempts: integer().notNull(),
  sentPieces: integer("sent_pieces").notNull(),
  dueAt: timestamp("due_at").notNull(),
  createdAt: timestamp("created_at").notNull(),
  endedAt: timestamp("ended_at"),
});

export const chatHours = sqliteTable(
  "chat_hours",
  {
    chatId: text("chat_id").notNull(),
    hour: integer().notNull(),
    messages: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.chatId, table.hour] })],
);

export const accounts = sqliteTable("accounts", {
  projectId: text("project_id").primaryKey(),
  tariff: text().notNull().default("default"),
  credits: integer().notNull().default(0),
  bonus: integer().notNull().default(0),
  isLow: integer("is_low", { mode: "boolean" }).notNull().default(false),
  transactions: integer().notNull().default(0),
  subscriptionUntil: timestamp("subscription_until"),
});

export const modelCalls = sqliteTable(
  "model_calls",
  {
    projectId: text("project_id").notNull(),
    id: text().notNull(),
    purpose: text({ enum: CALL_PURPOSES }).notNull(),
    model: text().notNull(),
    chatId: text("chat_id"),
    threadId: text("thread_id"),
    messageId: text("message_id"),
    botId: text("bot_id"),
    personId: text("person_id"),
    inputTokens: integer("input_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    isEstimate: integer("is_estimate", { mode: "boolean" }).notNull(),
    cost: integer().notNull(),
    createdAt: timestamp("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.projectId, table.id] })],
);

export const balanceAlerts = sqliteTable("balance_alerts", {
  id: text().primaryKey(),
  projectId: text("project_id").notNull(),
  credits: integer().notNull(),
  bonus: integer().notNull(),
});

export const invoices = sqliteTable("invoices", {
  id: text().primaryKey(),
  projectId: text("project_id").notNull(),
  offerId: text("offer_id").notNull(),
  status: text({ enum: INVOICE_STATUSES }).notNull(),
  credits: integer().notNull(),
  amount: integer().notNull(),
  currency: text().notNull(),
  provider: text({ enum: PAYMENT_PROVIDERS }).notNull(),
  reference: text(),
  paymentUrl: text("payment_url"),
  createdAt: timestamp("created_at").notNull(),
  paidAt: timestamp("paid_at"),
});

export type Invoice = typeof invoices.$inferSelect;

export const transactions = sqliteTable(
  "transactions",
  {
    projectId: text("project_id").notNull(),
    id: text().notNull(),
    type: text({ enum: TRANSACTION_TYPES }).notNull(),
    credits: integer().notNull(),
    bonus: integer().notNull(),
    description: text().notNull(),
    createdAt: timestamp("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.projectId, table.id] })],
);

export const idempotentAnswers = sqliteTable(
  "idempotent_answers",
  {
    projectId: text("project_id").notNull(),
    key: text().notNull(),
    requestHash: text("request_hash").notNull(),
    answer: text().notNull(),
    createdAt: timestamp("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.projectId, table.key] })],
);

export const webhookEndpoints = sqliteTable("webhook_endpoints", {
  id: text().primaryKey(),
  projectId: text("project_id").notNull(),
  url: text().notNull(),
  status: text({ enum: ["active", "disabled"] }).notNull(),
  /** Why we disabled it; null where a person did. */
  disabledReason: text("disabled_reason", { enum: ["failing", "gone"] }),
  secret: text().notNull(),
  previousSecret: text("previous_secret"),
  previousSecretUntil: timestamp("previous_secret_until"),
  failingSince: timestamp("failing_since"),
  createdAt: timestamp("created_at").notNull(),
  updatedAt: timestamp("updated_at").notNull(),
});

export const webhookDeliveries = sqliteTable(
  "webhook_deliveries",
  {
    endpointId: text("endpoint_id").notNull(),
    eventId: text("event_id").notNull(),
    projectId: text("project_id").notNull(),
    threadId: text("thread_id"),
    type: text().notNull(),
    body: text().notNull(),
    status: text({ enum: ["pending", "sending", "delivered", "failed", "dropped"] }).notNull(),
    attempts: integer().notNull(),
    dueAt: timestamp("due_at").notNull(),
    createdAt: timestamp("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.endpointId, table.eventId] })],
);

export const webhookAttempts = sqliteTable("webhook_attempts", {
  id: text().primaryKey(),
  projectId: text("project_id").notNull(),
  endpointId: text("endpoint_id").notNull(),
  eventId: text("event_id").notNull(),
  type: text().notNull(),
  attempt: integer().notNull(),
  statusCode: integer("status_code"),
  error: text(),
  answer: text(),
  durationMs: integer("duration_ms").notNull(),
  createdAt: timestamp("created_at").notNull(),
});

export const schedules = sqliteTable("schedules", {
  id: text().primaryKey(),
  projectId: text("project_id").notNull(),
  threadId: text("thread_id").notNull(),
  kind: text({ enum: SCHEDULE_KINDS }).notNull(),
  status: text({ enum: SCHEDULE_STATUSES }).notNull(),
  text: text().notNull(),
  dueAt: timestamp("due_at").notNull(),
  messageId: text("message_id"),
  cancelIfReply: integer("cancel_if_reply", { mode: "boolean" }).notNull(),
  createdBy: text("created_by", { enum: ["person", "operator", "bot"] }).notNull(),
  cron: text(),
  timeZone: text("time_zone"),
  maxExecutions: integer("max_executions"),
  missed: text({ enum: MISSED_RUNS }),
  executions: integer().notNull(),
  lastRunAt: timestamp("last_run_at"),
  endReason: text("end_reason"),
  createdAt: timestamp("created_at").notNull(),
  updatedAt: timestamp("updated_at").notNull(),
  version: integer().notNull(),
  rungAt: timestamp("rung_at"),
});

export const scheduleRuns = sqliteTable(
  "schedule_runs",
  {
    scheduleId: text("schedule_id").notNull(),
    dueAt: timestamp("due_at").notNull(),
    ranAt: timestamp("ran_at").notNull(),
    outcome: text({ enum: ["fired", "skipped", "missed"] }).notNull(),
    reason: text(),
    messageId: text("message_id"),
  },
  (table) => [primaryKey({ columns: [table.scheduleId, table.dueAt] })],
);
