import type * as z from "zod";
import type { BatchEntry, DocumentBatch } from "../../../core/knowledge/document-batches.ts";
import type * as schemas from "../schemas.ts";
import { type Wire, unix } from "./parts.ts";
import { chunkingFrom } from "./vector-store-files.ts";
import { fileCountsView } from "./vector-stores.ts";

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
