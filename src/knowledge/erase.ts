import { deleteChunks, staleChunkIds } from "../core/knowledge/chunks.ts";
import type { Ctx } from "../core/context.ts";
import { deleteDocumentsOf, findDeletedDocument, forgetDocument, someDocuments } from "../core/knowledge/documents.ts";
import { eraseFile } from "../core/knowledge/stored-files.ts";
import { findDeletedStore, forgetStore, spacesOf } from "../core/knowledge/knowledge-stores.ts";

const CHUNKS_AT_ONCE = 500;
const DOCUMENTS_PER_JOB = 50;

/** Removes chunks of a document that nobody needs any more; of a deleted one, all. */
export async function removeStaleChunks(ctx: Ctx, document: { storeId: string; id: string }): Promise<void> {
  for (;;) {
    const ids = await staleChunkIds(ctx, document, CHUNKS_AT_ONCE);
    if (ids.length > 0) {
      await deleteVectors(ctx, document.storeId, ids);
      await deleteChunks(ctx, ids);
    }
    if (ids.length < CHUNKS_AT_ONCE) return;
  }
}

/** Before the chunks, whose rows alone know that there are vectors. */
async function deleteVectors(ctx: Ctx, storeId: string, ids: number[]): Promise<void> {
  for (const space of await spacesOf(ctx, storeId)) await ctx.vectors({ storeId, space, dimensions: null }).delete(ids);
}

/** Removes what a deleted document has left. Its row goes last, for it remembers the work. */
export async function eraseDocument(ctx: Ctx, storeId: string, documentId: string): Promise<void> {
  const document = await findDeletedDocument(ctx, storeId, documentId);
  if (!document) return;
  await removeStaleChunks(ctx, document);
  await forgetDocument(ctx, storeId, documentId);
}

/** Erases some documents of a deleted store and rings again while there are more; at last the store itself. */
export async function eraseStore(ctx: Ctx, storeId: string): Promise<void> {
  if (!(await findDeletedStore(ctx, storeId))) return;
  await deleteDocumentsOf(ctx, storeId);
  const found = await someDocuments(ctx, storeId, DOCUMENTS_PER_JOB);
  for (const { id } of found) {
    await eraseDocument(ctx, storeId, id);
    await eraseFile(ctx, id);
  }
  if (found.length < DOCUMENTS_PER_JOB) await forgetStore(ctx, storeId);
  else await ctx.jobs.ring({ kind: "erase-store", projectId: ctx.project.id, storeId });
}
