import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** The tables of what bots may look up. The search table is declared in `migrations/` only. */

const timestamp = (name: string) => integer(name, { mode: "timestamp_ms" });

export const DOCUMENT_STATUSES = ["pending", "processed", "error", "cancelled"] as const;

export type Attributes = { [key: string]: string | number | boolean };
export type Chunking = { maxTokens: number; overlapTokens: number };

export const knowledgeStores = sqliteTable("knowledge_stores", {
  id: text().primaryKey(),
  projectId: text("project_id").notNull(),
  name: text().notNull(),
  description: text(),
  metadata: text({ mode: "json" }).$type<Record<string, string>>().notNull(),
  embeddingModel: text("embedding_model").notNull(),
  space: integer().notNull(),
  nextModel: text("next_model"),
  nextSpace: integer("next_space"),
  expiresAfterDays: integer("expires_after_days"),
  lastActiveAt: timestamp("last_active_at").notNull(),
  createdAt: timestamp("created_at").notNull(),
  updatedAt: timestamp("updated_at").notNull(),
  deletedAt: timestamp("deleted_at"),
});

export const files = sqliteTable("files", {
  id: text().primaryKey(),
  projectId: text("project_id").notNull(),
  filename: text().notNull(),
  purpose: text().notNull(),
  bytes: integer().notNull(),
  contentHash: text("content_hash").notNull(),
  owned: integer({ mode: "boolean" }).notNull(),
  createdAt: timestamp("created_at").notNull(),
  deletedAt: timestamp("deleted_at"),
});

export const documents = sqliteTable(
  "documents",
  {
    projectId: text("project_id").notNull(),
    storeId: text("store_id").notNull(),
    id: text().notNull(),
    filename: text().notNull(),
    contentHash: text("content_hash").notNull(),
    bytes: integer().notNull(),
    status: text({ enum: DOCUMENT_STATUSES }).notNull(),
    attributes: text({ mode: "json" }).$type<Attributes>().notNull(),
    chunking: text({ mode: "json" }).$type<Chunking>(),
    sourceUrl: text("source_url"),
    version: text(),
    chunkCount: integer("chunk_count").notNull(),
    textBytes: integer("text_bytes").notNull(),
    space: integer(),
    nextSpace: integer("next_space"),
    claim: text(),
    dueAt: timestamp("due_at"),
    attempts: integer().notNull(),
    errorCode: text("error_code"),
    lastError: text("last_error"),
    createdAt: timestamp("created_at").notNull(),
    updatedAt: timestamp("updated_at").notNull(),
    deletedAt: timestamp("deleted_at"),
  },
  (table) => [primaryKey({ columns: [table.storeId, table.id] })],
);

export const documentBatches = sqliteTable("document_batches", {
  id: text().primaryKey(),
  projectId: text("project_id").notNull(),
  storeId: text("store_id").notNull(),
  cancelledAt: timestamp("cancelled_at"),
  createdAt: timestamp("created_at").notNull(),
});

export const documentBatchMembers = sqliteTable(
  "document_batch_members",
  {
    batchId: text("batch_id").notNull(),
    documentId: text("document_id").notNull(),
  },
  (table) => [primaryKey({ columns: [table.batchId, table.documentId] })],
);

export const knowledgeChunks = sqliteTable("knowledge_chunks", {
  id: integer().primaryKey({ autoIncrement: true }),
  projectId: text("project_id").notNull(),
  storeId: text("store_id").notNull(),
  documentId: text("document_id").notNull(),
  version: text().notNull(),
  position: integer().notNull(),
  text: text().notNull(),
  headings: text({ mode: "json" }).$type<string[]>().notNull(),
  place: text(),
  textHash: text("text_hash"),
});
