import type { KnowledgeHit } from "../../../core/knowledge/knowledge-search.ts";
import {
  expiryOf,
  isExpired,
  type DocumentCounts,
  type KnowledgeStore,
} from "../../../core/knowledge/knowledge-stores.ts";
import { type Wire, unix } from "./parts.ts";

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
