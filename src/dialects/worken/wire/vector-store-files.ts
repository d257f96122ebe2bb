import type * as z from "zod";
import { DEFAULT_CHUNKING, type Chunking } from "../../../core/knowledge/chunking.ts";
import type { Document } from "../../../core/knowledge/documents.ts";
import type * as schemas from "../schemas.ts";
import { type Wire, unix } from "./parts.ts";

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
