import { and, eq, exists, inArray, isNotNull, isNull, type SQL } from "drizzle-orm";
import { inList } from "../../db/client.ts";
import { documentBatches, documentBatchMembers, documents, type Attributes, type Chunking } from "../../db/schema.ts";
import type { Ctx } from "../context.ts";
import { DomainError, notFound } from "../errors.ts";
import { contentHash, createOwnedFile, dropOwnedFile, getFile } from "./stored-files.ts";
import { createOnce } from "../idempotency.ts";
import { readItems, type ItemPage, type ItemPageRequest } from "../item-pages.ts";
import { findStore, refuseExpired } from "./knowledge-stores.ts";
import { insertDocument, newDocument, type DocumentOptions } from "./new-documents.ts";

export type Document = typeof documents.$inferSelect;
type DocumentStatus = Document["status"];

const ofStore = (ctx: Ctx, storeId: string) =>
  and(eq(documents.storeId, storeId), eq(documents.projectId, ctx.project.id), isNull(documents.deletedAt));
const mine = (ctx: Ctx, storeId: string, id: string) => and(ofStore(ctx, storeId), eq(documents.id, id));

/** Puts an uploaded file into a store. One that is there already gets the attributes, and is read anew only if it had failed. */
export async function addFile(ctx: Ctx, storeId: string, fileId: string, options: DocumentOptions): Promise<Document> {
  refuseExpired(ctx, await findStore(ctx, storeId));
  const file = await getFile(ctx, fileId);
  const known = await findDocument(ctx, storeId, fileId);
  if (known && isThere(known)) {
    const { attributes } = options;
    return attributes ? changeDocument(ctx, storeId, fileId, { attributes }) : known;
  }
  const document = newDocument(ctx, storeId, file, options);
  await createOnce(ctx, document, insertDocument(ctx, document));
  await ringFor(ctx, document);
  return document;
}

/** Puts a text or file that is given with the call into a store; the same content under the same name is there only once. */
export async function addContent(
  ctx: Ctx,
  storeId: string,
  input: { filename: string; bytes: Uint8Array },
  options: DocumentOptions,
): Promise<Document> {
  refuseExpired(ctx, await findStore(ctx, storeId));
  const known = await findSame(ctx, storeId, input.filename, await contentHash(input.bytes));
  if (known)
    return options.attributes ? changeDocument(ctx, storeId, known.id, { attributes: options.attributes }) : known;
  const document = await createOwnedFile(ctx, { ...input, purpose: "assistants" }, (file, insertFile) => {
    const made = newDocument(ctx, storeId, file, options);
    return createOnce(ctx, made, insertFile, insertDocument(ctx, made));
  });
  await ringFor(ctx, document);
  return document;
}

export const ringFor = (ctx: Ctx, { storeId, id }: Pick<Document, "storeId" | "id">, seconds?: number): Promise<void> =>
  ctx.jobs.ring({ kind: "index-document", projectId: ctx.project.id, storeId, documentId: id }, seconds);

const findDocument = (ctx: Ctx, storeId: string, id: string): Promise<Document | undefined> =>
  ctx.db.query.documents.findFirst({ where: mine(ctx, storeId, id) });

/** A document that is found, or will be. */
export const isThere = ({ status }: Pick<Document, "status">) => status === "pending" || status === "processed";

/** Those of some documents that a store holds, by their ids. */
export const findDocuments = (ctx: Ctx, storeId: string, ids: string[]): Promise<Document[]> =>
  ctx.db.query.documents.findMany({ where: and(ofStore(ctx, storeId), inList(documents.id, ids)) });

const findSame = (ctx: Ctx, storeId: string, filename: string, hash: string): Promise<Document | undefined> =>
  ctx.db.query.documents.findFirst({
    where: and(
      ofStore(ctx, storeId),
      eq(documents.contentHash, hash),
      eq(documents.filename, filename),
      inArray(documents.status, ["pending", "processed"]),
    ),
  });

export type DocumentQuery = ItemPageRequest & { status?: DocumentStatus; batchId?: string };

export async function listDocuments(ctx: Ctx, storeId: string, query: DocumentQuery): Promise<ItemPage<Document>> {
  await findStore(ctx, storeId);
  const given: (SQL | undefined)[] = [
    query.status && eq(documents.status, query.status),
    query.batchId ? inBatch(ctx, query.batchId) : undefined,
  ];
  return readItems(
    query,
    documents,
    (id) => findDocument(ctx, storeId, id),
    async ({ where, orderBy, limit }) =>
      ctx.db
        .select()
        .from(documents)
        .where(and(ofStore(ctx, storeId), ...given, where))
        .orderBy(...orderBy)
        .limit(limit),
  );
}

/** The condition that a batch has put the document into the store. */
export const inBatch = (ctx: Ctx, batchId: string): SQL =>
  inArray(
    documents.id,
    ctx.db
      .select({ id: documentBatchMembers.documentId })
      .from(documentBatchMembers)
      .where(eq(documentBatchMembers.batchId, batchId)),
  );

export async function getDocument(ctx: Ctx, storeId: string, id: string): Promise<Document> {
  await findStore(ctx, storeId);
  const document = await findDocument(ctx, storeId, id);
  if (!document) throw notFound("file", id);
  return document;
}

/** Attributes are replaced whole. */
export async function updateDocument(ctx: Ctx, storeId: string, id: string, attributes: Attributes): Promise<Document> {
  await findStore(ctx, storeId);
  return changeDocument(ctx, storeId, id, { attributes });
}

/** Reads the file again, from its beginning: one that had failed, or one that was read well but shall be cut otherwise. */
export async function retryDocument(
  ctx: Ctx,
  storeId: string,
  id: string,
  { chunking }: { chunking?: Chunking | null } = {},
): Promise<Document> {
  const { status } = await getDocument(ctx, storeId, id);
  if (status === "pending") throw new DomainError("conflict", "this file is being processed");
  const document = await changeDocument(ctx, storeId, id, {
    ...(chunking === undefined ? {} : { chunking }),
    status: "pending",
    dueAt: ctx.now(),
    claim: null,
    attempts: 0,
    errorCode: null,
    lastError: null,
  });
  await ringFor(ctx, document);
  return document;
}

async function changeDocument(ctx: Ctx, storeId: string, id: string, changes: Partial<Document>): Promise<Document> {
  const [document] = await ctx.db
    .update(documents)
    .set({ ...changes, updatedAt: ctx.now() })
    .where(mine(ctx, storeId, id))
    .returning();
  if (!document) throw notFound("file", id);
  return document;
}

/** It is found no more at once; what it has left is erased in the background, and the file too if it was made for this store. */
export async function removeDocument(ctx: Ctx, storeId: string, id: string): Promise<void> {
  await findStore(ctx, storeId);
  const [[document]] = await ctx.db.batch([
    ctx.db
      .update(documents)
      .set({ deletedAt: ctx.now() })
      .where(mine(ctx, storeId, id))
      .returning(),
    dropOwnedFile(ctx, storeId, id),
  ]);
  if (!document) throw notFound("file", id);
  const projectId = ctx.project.id;
  await ctx.jobs.ring({ kind: "erase-document", projectId, storeId, documentId: id });
  await ctx.jobs.ring({ kind: "erase-file", projectId, fileId: id });
}

/** A deleted document whose traces are still to be removed. */
export const findDeletedDocument = (ctx: Ctx, storeId: string, id: string): Promise<Document | undefined> =>
  ctx.db.query.documents.findFirst({ where: deletedOnly(ctx, storeId, id) });

/** Some documents of a store that is being erased. */
export const someDocuments = (ctx: Ctx, storeId: string, atMost: number): Promise<Document[]> =>
  ctx.db.query.documents.findMany({
    where: and(eq(documents.storeId, storeId), eq(documents.projectId, ctx.project.id)),
    limit: atMost,
  });

/** Marks all documents of a deleted store, with the files that were made for it. */
export async function deleteDocumentsOf(ctx: Ctx, storeId: string): Promise<void> {
  const [d1, now] = [ctx.db.$client, ctx.now().getTime()];
  await d1.batch([
    d1
      .prepare(
        `update files set deleted_at = ? where project_id = ? and owned = 1 and deleted_at is null
         and id in (select id from documents where store_id = ?)`,
      )
      .bind(now, ctx.project.id, storeId),
    d1
      .prepare("update documents set deleted_at = ? where store_id = ? and project_id = ? and deleted_at is null")
      .bind(now, storeId, ctx.project.id),
  ]);
}

/** To be called when nothing else of it is left. */
export async function forgetDocument(ctx: Ctx, storeId: string, id: string): Promise<void> {
  await ctx.db.batch([
    ctx.db.delete(documentBatchMembers).where(
      and(
        eq(documentBatchMembers.documentId, id),
        inArray(documentBatchMembers.batchId, batchesOf(ctx, storeId)),
        // Under the same id the document may be back.
        exists(
          ctx.db
            .select({ id: documents.id })
            .from(documents)
            .where(deletedOnly(ctx, storeId, id)),
        ),
      ),
    ),
    ctx.db.delete(documents).where(deletedOnly(ctx, storeId, id)),
  ]);
}

const batchesOf = (ctx: Ctx, storeId: string) =>
  ctx.db
    .select({ id: documentBatches.id })
    .from(documentBatches)
    .where(and(eq(documentBatches.storeId, storeId), eq(documentBatches.projectId, ctx.project.id)));

const deletedOnly = (ctx: Ctx, storeId: string, id: string) =>
  and(
    eq(documents.storeId, storeId),
    eq(documents.projectId, ctx.project.id),
    eq(documents.id, id),
    isNotNull(documents.deletedAt),
  );
