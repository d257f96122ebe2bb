import { and, eq, exists, isNull, sql } from "drizzle-orm";
import { inBatch as statement } from "../../db/client.ts";
import { insertRows } from "../../db/insert-rows.ts";
import { documentBatches, documentBatchMembers, documents, type Attributes, type Chunking } from "../../db/schema.ts";
import { portionsOf } from "../../lib/portions.ts";
import type { Ctx } from "../context.ts";
import { findDocuments, inBatch, isThere, listDocuments, ringFor, type DocumentQuery } from "./documents.ts";
import type { Document } from "./documents.ts";
import { notFound } from "../errors.ts";
import { createOnce } from "../idempotency.ts";
import type { ItemPage } from "../item-pages.ts";
import { countsOf, findStore, refuseExpired, type DocumentCounts } from "./knowledge-stores.ts";
import { insertDocuments, newDocument } from "./new-documents.ts";
import { getFiles } from "./stored-files.ts";

type BatchRow = typeof documentBatches.$inferSelect;
/** Files that were put into a store together, and how far they have come. One that has left the store counts no more. */
export type DocumentBatch = BatchRow & { counts: DocumentCounts };
/** An uploaded file; of one that is in the store already, attributes that are given replace the present ones. */
export type BatchEntry = { fileId: string; attributes: Attributes | null; chunking: Chunking | null };

const mine = (ctx: Ctx, storeId: string, id: string) =>
  and(eq(documentBatches.id, id), eq(documentBatches.storeId, storeId), eq(documentBatches.projectId, ctx.project.id));

/** Puts uploaded files into a store, all or none. Those that are there already are not read again, unless they had failed. */
export async function createBatch(ctx: Ctx, storeId: string, entries: BatchEntry[]): Promise<DocumentBatch> {
  refuseExpired(ctx, await findStore(ctx, storeId));
  const ids = entries.map(({ fileId }) => fileId);
  const files = await getFiles(ctx, ids);
  const known = (await findDocuments(ctx, storeId, ids)).filter(isThere);
  const isKnown = new Set(known.map(({ id }) => id));
  const added = entries.flatMap(({ fileId, attributes, chunking }, index) =>
    isKnown.has(fileId) ? [] : [newDocument(ctx, storeId, files[index]!, { attributes: attributes ?? {}, chunking })],
  );
  const batch = newBatch(ctx, storeId);
  const counts = countsOf([...known, ...added].map(({ status }) => ({ status, count: 1 })));
  const made = await createOnce(
    ctx,
    { ...batch, counts },
    ctx.db.insert(documentBatches).values(batch),
    ...insertDocuments(ctx, added),
    ...insertMembers(ctx, batch.id, ids),
    ...setAttributes(
      ctx,
      storeId,
      entries.filter(({ fileId }) => isKnown.has(fileId)),
    ),
  );
  await Promise.all(added.map((document) => ringFor(ctx, document)));
  return made;
}

const newBatch = (ctx: Ctx, storeId: string): BatchRow => ({
  id: ctx.newId(),
  projectId: ctx.project.id,
  storeId,
  cancelledAt: null,
  createdAt: ctx.now(),
});

const insertMembers = (ctx: Ctx, batchId: string, ids: string[]) =>
  insertRows(
    ctx.db,
    documentBatchMembers,
    ids.map((documentId) => ({ batchId, documentId })),
    "do nothing",
  );

function setAttributes(ctx: Ctx, storeId: string, entries: BatchEntry[]) {
  const given = entries.flatMap(({ fileId, attributes }) =>
    attributes ? [JSON.stringify([fileId, JSON.stringify(attributes)])] : [],
  );
  return portionsOf(given).map((portion) =>
    statement(
      ctx.db,
      sql`update documents set attributes = given.value ->> 1, updated_at = ${ctx.now().getTime()}
        from json_each(${`[${portion.join()}]`}) given
        where store_id = ${storeId} and project_id = ${ctx.project.id} and documents.id = given.value ->> 0 and deleted_at is null`,
    ),
  );
}

export async function getBatch(ctx: Ctx, storeId: string, id: string): Promise<DocumentBatch> {
  await findStore(ctx, storeId);
  const batch = await ctx.db.query.documentBatches.findFirst({ where: mine(ctx, storeId, id) });
  if (!batch) throw notFound("file batch", id);
  return { ...batch, counts: await countMembers(ctx, batch) };
}

async function countMembers(ctx: Ctx, { storeId, id }: BatchRow): Promise<DocumentCounts> {
  const rows = await ctx.db
    .select({ status: documents.status, count: sql<number>`count(*)` })
    .from(documents)
    .where(and(ofStore(ctx, storeId), inBatch(ctx, id)))
    .groupBy(documents.status);
  return countsOf(rows);
}

const ofStore = (ctx: Ctx, storeId: string) =>
  and(eq(documents.storeId, storeId), eq(documents.projectId, ctx.project.id), isNull(documents.deletedAt));

export async function listBatchDocuments(
  ctx: Ctx,
  storeId: string,
  id: string,
  query: DocumentQuery,
): Promise<ItemPage<Document>> {
  const batch = await getBatch(ctx, storeId, id);
  return listDocuments(ctx, storeId, { ...query, batchId: batch.id });
}

/** What is read already stays; nothing else of the batch will be. A batch that is through is left as it is. */
export async function cancelBatch(ctx: Ctx, storeId: string, id: string): Promise<DocumentBatch> {
  await getBatch(ctx, storeId, id);
  const waiting = and(ofStore(ctx, storeId), inBatch(ctx, id), eq(documents.status, "pending"));
  const now = ctx.now();
  await ctx.db.batch([
    ctx.db
      .update(documentBatches)
      .set({ cancelledAt: now })
      .where(
        and(
          mine(ctx, storeId, id),
          isNull(documentBatches.cancelledAt),
          exists(
            ctx.db
              .select({ one: sql`1` })
              .from(documents)
              .where(waiting),
          ),
        ),
      ),
    ctx.db
      .update(documents)
      .set({ status: "cancelled", claim: null, dueAt: null, lastError: null, errorCode: null, updatedAt: now })
      .where(waiting),
  ]);
  return getBatch(ctx, storeId, id);
}
