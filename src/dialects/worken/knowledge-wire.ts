import type * as z from "zod";
import type { BatchEntry, DocumentBatch } from "../../core/document-batches.ts";
import type { Document } from "../../core/documents.ts";
import type { StoredFile } from "../../core/stored-files.ts";
import type { ItemPage } from "../../core/item-pages.ts";
import type { KnowledgeHit } from "../../core/knowledge-search.ts";
import { expiryOf, isExpired, type DocumentCounts, type KnowledgeStore } from "../../core/knowledge-stores.ts";
import { DEFAULT_CHUNKING, type Chunking } from "../../core/chunking.ts";
import type * as schemas from "./knowledge-schemas.ts";

type Wire<K extends keyof typeof schemas> = (typeof schemas)[K] extends z.ZodType
  ? z.input<(typeof schemas)[K]>
  : never;

const unix = (at: Date) => Math.floor(at.getTime() / 1000);

/** A page in the one shape that lists of this kind have, whoever asks. */
export function listView<T extends { id: string }, V>({ items, hasMore }: ItemPage<T>, view: (item: T) => V) {
  const [first, last] = [items[0], items.at(-1)];
  return {
    object: "list" as const,
    data: items.map(view),
    first_id: first?.id ?? null,
    last_id: last?.id ?? null,
    has_more: hasMore,
  };
}

export const vectorStoreView = (store: KnowledgeStore): Wire<"VectorStore"> => ({
  id: store.id,
  name: store.name,
  file_count: total(store.counts),
  file_counts: fileCountsView(store.counts),
  status: statusOf(store),
  created_at: store.createdAt.toISOString(),
  embedding_model: store.nextModel ?? store.embeddingModel,
  metadata: store.metadata,
  expires_at: expiryOf(store)?.toISOString() ?? null,
});

const total = (counts: DocumentCounts) => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Documents wait to be read, or all vectors are being made anew. */
const isBusy = ({ counts, nextSpace }: KnowledgeStore) => counts.pending > 0 || nextSpace !== null;

function statusOf(store: KnowledgeStore): "ready" | "indexing" | "error" {
  if (isBusy(store)) return "indexing";
  const { processed, error } = store.counts;
  return error > 0 && processed === 0 ? "error" : "ready";
}

export const openAiVectorStoreView =
  (now: Date) =>
  (store: KnowledgeStore): Wire<"OpenAiVectorStore"> => {
    const expiry = expiryOf(store);
    return {
      id: store.id,
      object: "vector_store",
      created_at: unix(store.createdAt),
      name: store.name,
      description: store.description,
      usage_bytes: store.textBytes,
      file_counts: fileCountsView(store.counts),
      status: isExpired(store, now) ? "expired" : isBusy(store) ? "in_progress" : "completed",
      expires_after:
        store.expiresAfterDays === null ? null : { anchor: "last_active_at", days: store.expiresAfterDays },
      expires_at: expiry && unix(expiry),
      last_active_at: unix(store.lastActiveAt),
      metadata: store.metadata,
      embedding_model: store.nextModel ?? store.embeddingModel,
    };
  };

export const fileCountsView = (counts: DocumentCounts) => ({
  in_progress: counts.pending,
  completed: counts.processed,
  failed: counts.error,
  cancelled: counts.cancelled,
  total: total(counts),
});

/** The documentation knows three states only: what was cancelled will not be read, as what has failed. */
export const vectorStoreFileView = (document: Document): Wire<"VectorStoreFile"> => ({
  id: document.id,
  filename: document.filename,
  status: document.status === "cancelled" ? "error" : document.status,
  created_at: document.createdAt.toISOString(),
  bytes: document.bytes,
  url: document.sourceUrl,
  attributes: document.attributes,
  error: document.status === "cancelled" ? "processing was cancelled" : document.lastError,
});

const OPENAI_STATUS = {
  pending: "in_progress",
  processed: "completed",
  error: "failed",
  cancelled: "cancelled",
} as const satisfies Record<Document["status"], string>;

export const openAiVectorStoreFileView = (document: Document): Wire<"OpenAiVectorStoreFile"> => ({
  id: document.id,
  object: "vector_store.file",
  created_at: unix(document.createdAt),
  vector_store_id: document.storeId,
  usage_bytes: document.textBytes,
  status: OPENAI_STATUS[document.status],
  last_error: lastErrorView(document),
  chunking_strategy: { type: "static", static: chunkingView(document.chunking) },
  attributes: document.attributes,
  filename: document.filename,
});

function lastErrorView({ status, errorCode, lastError }: Document): Wire<"OpenAiVectorStoreFile">["last_error"] {
  if (status !== "error" || lastError === null) return null;
  return { code: errorCode === "unreadable" ? "invalid_file" : "server_error", message: lastError };
}

export const statusFrom = (filter: "in_progress" | "completed" | "failed" | "cancelled"): Document["status"] =>
  STATUS_FROM[filter];

const STATUS_FROM = {
  in_progress: "pending",
  completed: "processed",
  failed: "error",
  cancelled: "cancelled",
} as const;

const chunkingView = (chunking: Chunking | null) => {
  const { maxTokens, overlapTokens } = chunking ?? DEFAULT_CHUNKING;
  return { max_chunk_size_tokens: maxTokens, chunk_overlap_tokens: overlapTokens };
};

export const chunkingFrom = (strategy: z.output<typeof schemas.ChunkingStrategy> | null | undefined): Chunking | null =>
  strategy?.type === "static"
    ? { maxTokens: strategy.static.max_chunk_size_tokens, overlapTokens: strategy.static.chunk_overlap_tokens }
    : null;

/** Of a file that is named twice, what is said of it first counts. */
export const batchEntriesFrom = (files: z.output<typeof schemas.CreateFileBatch>): BatchEntry[] =>
  [...new Map(files.toReversed().map((file) => [file.file_id, file])).values()]
    .toReversed()
    .map(({ file_id, attributes, chunking_strategy }) => ({
      fileId: file_id,
      attributes: attributes ?? null,
      chunking: chunkingFrom(chunking_strategy),
    }));

function batchStatusOf({ counts, cancelledAt }: DocumentBatch): Wire<"FileBatch">["status"] {
  if (cancelledAt) return "cancelled";
  if (counts.pending > 0) return "in_progress";
  return counts.error > 0 && counts.processed === 0 ? "failed" : "completed";
}

export const fileBatchView = (batch: DocumentBatch): Wire<"FileBatch"> => ({
  id: batch.id,
  vector_store_id: batch.storeId,
  status: batchStatusOf(batch),
  file_counts: fileCountsView(batch.counts),
  created_at: batch.createdAt.toISOString(),
});

export const openAiFileBatchView = (batch: DocumentBatch): Wire<"OpenAiFileBatch"> => ({
  ...fileBatchView(batch),
  object: "vector_store.files_batch",
  created_at: unix(batch.createdAt),
});

export const searchResultsView = (queries: string[], hits: KnowledgeHit[]): Wire<"SearchResults"> => ({
  object: "vector_store.search_results.page",
  search_query: queries,
  data: hits.map((hit) => ({
    file_id: hit.documentId,
    filename: hit.filename,
    score: Math.round(hit.score * 10_000) / 10_000,
    attributes: hit.attributes,
    content: [{ type: "text", text: hit.text }],
    headings: hit.headings,
    place: hit.place,
  })),
  has_more: false,
  next_page: null,
});

export const storedFileView = (file: StoredFile): Wire<"StoredFile"> => ({
  id: file.id,
  object: "file",
  bytes: file.bytes,
  created_at: unix(file.createdAt),
  filename: file.filename,
  purpose: file.purpose,
  status: "processed",
});
