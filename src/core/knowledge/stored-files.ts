import { and, eq, exists, isNotNull, isNull } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import { inList } from "../../db/client.ts";
import { documents, files } from "../../db/schema.ts";
import { hex } from "../../lib/hash.ts";
import type { Ctx } from "../context.ts";
import { invalid, notFound } from "../errors.ts";
import { createOnce } from "../idempotency.ts";
import { readItems, type ItemPage, type ItemPageRequest } from "../item-pages.ts";

export type StoredFile = typeof files.$inferSelect;
export type FileInput = { filename: string; purpose: string; bytes: Uint8Array };

const ofProject = (ctx: Ctx) => and(eq(files.projectId, ctx.project.id), isNull(files.deletedAt));
const mine = (ctx: Ctx, id: string) => and(eq(files.id, id), ofProject(ctx));

const blobKey = (ctx: Ctx, id: string) => `${ctx.project.id}/files/${id}`;

export const contentHash = async (bytes: Uint8Array): Promise<string> =>
  hex(await crypto.subtle.digest("SHA-256", bytes));

export const createFile = (ctx: Ctx, input: FileInput): Promise<StoredFile> =>
  storeFile(ctx, input, false, (file) => createOnce(ctx, file, ctx.db.insert(files).values(file)));

/** A file that is made for one store, inserted together with what refers to it. */
export const createOwnedFile = <T>(
  ctx: Ctx,
  input: FileInput,
  insert: (file: StoredFile, statement: BatchItem<"sqlite">) => Promise<T>,
): Promise<T> => storeFile(ctx, input, true, (file) => insert(file, ctx.db.insert(files).values(file)));

/** The bytes are there before the row is: who sees a file can read it. */
async function storeFile<T>(
  ctx: Ctx,
  { filename, purpose, bytes }: FileInput,
  owned: boolean,
  insert: (file: StoredFile) => Promise<T>,
): Promise<T> {
  if (bytes.byteLength === 0) throw invalid("file", "is empty");
  const hash = await contentHash(bytes);
  const file = newFile(ctx, { filename, purpose, owned, bytes: bytes.byteLength, contentHash: hash });
  await putBytes(ctx, file.id, bytes);
  try {
    return await insert(file);
  } catch (error) {
    await ctx.files.deleteAll(blobKey(ctx, file.id));
    throw error;
  }
}

const newFile = (
  ctx: Ctx,
  given: Pick<StoredFile, "filename" | "purpose" | "owned" | "bytes" | "contentHash">,
): StoredFile => ({ ...given, id: ctx.newId(), projectId: ctx.project.id, createdAt: ctx.now(), deletedAt: null });

const putBytes = (ctx: Ctx, id: string, bytes: Uint8Array) =>
  ctx.files.put(blobKey(ctx, id), bytes.slice().buffer, "application/octet-stream");

/** A file that is made for one store, and whose bytes are yet to be fetched. */
export function awaitedFile(ctx: Ctx, filename: string): { file: StoredFile; insertFile: BatchItem<"sqlite"> } {
  const file = newFile(ctx, { filename, purpose: "assistants", owned: true, bytes: 0, contentHash: "" });
  return { file, insertFile: ctx.db.insert(files).values(file) };
}

/** Keeps the bytes that were fetched for a file, in place of any that it has. False: it is gone. */
export async function replaceBytes(ctx: Ctx, id: string, bytes: Uint8Array): Promise<boolean> {
  await putBytes(ctx, id, bytes);
  const [file] = await ctx.db
    .update(files)
    .set({ bytes: bytes.byteLength, contentHash: await contentHash(bytes) })
    .where(mine(ctx, id))
    .returning();
  // Whoever erased the file meanwhile may have done so before these bytes came.
  if (!file) await ctx.files.deleteAll(blobKey(ctx, id));
  return file !== undefined;
}

export const listFiles = (ctx: Ctx, page: ItemPageRequest & { purpose?: string }): Promise<ItemPage<StoredFile>> =>
  readItems(
    page,
    files,
    (id) => ctx.db.query.files.findFirst({ where: mine(ctx, id) }),
    async ({ where, orderBy, limit }) =>
      ctx.db
        .select()
        .from(files)
        .where(and(ofProject(ctx), page.purpose ? eq(files.purpose, page.purpose) : undefined, where))
        .orderBy(...orderBy)
        .limit(limit),
  );

/** Another project's file is reported exactly like one that does not exist. */
export async function getFile(ctx: Ctx, id: string): Promise<StoredFile> {
  const file = await ctx.db.query.files.findFirst({ where: mine(ctx, id) });
  if (!file) throw notFound("file", id);
  return file;
}

/** Several files by their ids; one that is not there is reported like one that never was. */
export async function getFiles(ctx: Ctx, ids: string[]): Promise<StoredFile[]> {
  const found = await ctx.db.query.files.findMany({ where: and(inList(files.id, ids), ofProject(ctx)) });
  const byId = new Map(found.map((file) => [file.id, file]));
  return ids.map((id) => {
    const file = byId.get(id);
    if (!file) throw notFound("file", id);
    return file;
  });
}

/** The bytes of a file; null when they are gone. */
export async function readBytes(ctx: Ctx, id: string): Promise<Uint8Array | null> {
  const found = await ctx.files.get(blobKey(ctx, id));
  return found && new Uint8Array(await new Response(found.body).arrayBuffer());
}

export async function readContent(ctx: Ctx, id: string): Promise<{ file: StoredFile; bytes: Uint8Array }> {
  const file = await getFile(ctx, id);
  const bytes = await readBytes(ctx, id);
  if (!bytes) throw notFound("the content of file", id);
  return { file, bytes };
}

/** It leaves every store that it is in; bytes, chunks and vectors are erased in the background. */
export async function deleteFile(ctx: Ctx, id: string): Promise<void> {
  const now = ctx.now();
  const [[file], gone] = await ctx.db.batch([
    ctx.db.update(files).set({ deletedAt: now }).where(mine(ctx, id)).returning(),
    ctx.db
      .update(documents)
      .set({ deletedAt: now })
      .where(and(eq(documents.id, id), eq(documents.projectId, ctx.project.id), isNull(documents.deletedAt)))
      .returning(),
  ]);
  if (!file) throw notFound("file", id);
  const projectId = ctx.project.id;
  for (const { storeId } of gone) {
    await ctx.jobs.ring({ kind: "erase-document", projectId, storeId, documentId: id });
  }
  await ctx.jobs.ring({ kind: "erase-file", projectId, fileId: id });
}

/** Removes what a deleted file has left; its row goes last, for it remembers the work. */
export async function eraseFile(ctx: Ctx, id: string): Promise<void> {
  const deleted = and(eq(files.id, id), eq(files.projectId, ctx.project.id), isNotNull(files.deletedAt));
  if (!(await ctx.db.query.files.findFirst({ where: deleted }))) return;
  await ctx.files.deleteAll(blobKey(ctx, id));
  await ctx.db.delete(files).where(deleted);
}

/** Marks a file as deleted whose document, for which it was made, has been so in this batch; a file of its own is left alone. */
export const dropOwnedFile = (ctx: Ctx, storeId: string, id: string) =>
  ctx.db
    .update(files)
    .set({ deletedAt: ctx.now() })
    .where(and(mine(ctx, id), eq(files.owned, true), exists(deletedDocument(ctx, storeId, id))));

const deletedDocument = (ctx: Ctx, storeId: string, id: string) =>
  ctx.db
    .select({ id: documents.id })
    .from(documents)
    .where(and(eq(documents.storeId, storeId), eq(documents.id, id), isNotNull(documents.deletedAt)));
