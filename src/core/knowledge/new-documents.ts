import { allExcluded, insertRows } from "../../db/insert-rows.ts";
import { documents, type Attributes, type Chunking } from "../../db/schema.ts";
import type { Ctx } from "../context.ts";
import type { StoredFile } from "./stored-files.ts";

type Document = typeof documents.$inferSelect;
export type DocumentOptions = { attributes?: Attributes; chunking?: Chunking | null; sourceUrl?: string };

/** A file as a document of a store, which is yet to be read. */
export function newDocument(
  ctx: Ctx,
  storeId: string,
  file: StoredFile,
  { attributes = {}, chunking = null, sourceUrl }: DocumentOptions,
): Document {
  const now = ctx.now();
  return {
    projectId: ctx.project.id,
    storeId,
    id: file.id,
    filename: file.filename,
    contentHash: file.contentHash,
    bytes: file.bytes,
    status: "pending",
    attributes,
    chunking,
    sourceUrl: sourceUrl ?? null,
    version: null,
    chunkCount: 0,
    textBytes: 0,
    space: null,
    nextSpace: null,
    claim: null,
    dueAt: now,
    attempts: 0,
    errorCode: null,
    lastError: null,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  };
}

/** They take the place of those that were deleted, or that had failed, under the same id; others stay as they are. */
export const insertDocuments = (ctx: Ctx, rows: Document[]) =>
  insertRows(
    ctx.db,
    documents,
    rows,
    `(store_id, id) do update set ${allExcluded(documents, ["store_id", "id"])}
     where documents.deleted_at is not null or documents.status in ('error', 'cancelled')`,
  );

export const insertDocument = (ctx: Ctx, document: Document) => insertDocuments(ctx, [document])[0]!;
