import { and, eq, exists, isNull, lt, lte, sql, type SQL } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { documents, files, knowledgeStores } from "../../db/schema.ts";
import type { Ctx } from "../context.ts";
import { tellSettled } from "./document-events.ts";
import { ringFor, type Document } from "./documents.ts";
import type { JobPort } from "../ports.ts";
import { ringTold, webhookInsertIf } from "../webhooks/webhooks.ts";

/** A claim that is not renewed for this long was lost with the process that held it. */
const CLAIM_MS = 30_000;
/** How often a document is begun; its worker may die of it each time. */
const MOST_ATTEMPTS = 8;
const LONGEST_WAIT_SECONDS = 600;

/** A document that this worker alone may process now; its chunks are written under the claim's name. */
export type ClaimedDocument = Document & { claim: string };

/** Another worker has the document, or it is gone: what this one did is void. */
export class ClaimLost extends Error {
  override name = "ClaimLost";
}

const pending = (ctx: Ctx, storeId: string, id: string) =>
  and(
    eq(documents.storeId, storeId),
    eq(documents.id, id),
    eq(documents.projectId, ctx.project.id),
    eq(documents.status, "pending"),
    isNull(documents.deletedAt),
  );

/** The condition that a document is still this worker's. */
export const claimed = (ctx: Ctx, { storeId, id, claim }: ClaimedDocument) =>
  and(pending(ctx, storeId, id), eq(documents.claim, claim));

/** Null: there is nothing to do, or not yet, or somebody else does it. */
export async function claimDocument(ctx: Ctx, storeId: string, id: string): Promise<ClaimedDocument | null> {
  const now = ctx.now();
  const [document] = await ctx.db
    .update(documents)
    .set({ claim: ctx.newId(), dueAt: new Date(now.getTime() + CLAIM_MS), attempts: sql`${documents.attempts} + 1` })
    .where(and(pending(ctx, storeId, id), lte(documents.dueAt, now)))
    .returning();
  if (!document) return null;
  const mine = document as ClaimedDocument;
  if (document.attempts <= MOST_ATTEMPTS) return mine;
  await failDocument(ctx, mine, "interrupted", document.lastError ?? "processing was interrupted too often");
  return null;
}

/** Tells that the work goes on. */
export async function renewClaim(ctx: Ctx, document: ClaimedDocument): Promise<void> {
  const dueAt = new Date(ctx.now().getTime() + CLAIM_MS);
  const [renewed] = await ctx.db.update(documents).set({ dueAt }).where(claimed(ctx, document)).returning();
  if (!renewed) throw new ClaimLost();
}

export type Processed = Pick<Document, "chunkCount" | "textBytes" | "space" | "nextSpace">;

/**
 * From here on searches find what was written under the claim, and nothing older. Where the store's vectors have moved to
 * another space meanwhile, the work is void.
 */
export async function finishDocument(ctx: Ctx, document: ClaimedDocument, processed: Processed): Promise<void> {
  const mayFinish = and(claimed(ctx, document), hasSpaces(document.storeId, processed));
  const told = { vector_store_id: document.storeId, file_id: document.id };
  const [heard, [finished]] = await ctx.db.batch([
    webhookInsertIf(ctx, isThere(ctx, mayFinish), { type: "vector_store.file.processed", data: told }),
    ctx.db
      .update(documents)
      .set({
        ...processed,
        status: "processed",
        version: document.claim,
        claim: null,
        dueAt: null,
        errorCode: null,
        lastError: null,
        updatedAt: ctx.now(),
      })
      .where(mayFinish)
      .returning(),
  ]);
  if (!finished) throw new ClaimLost();
  ringTold(ctx, heard);
  await tellSettled(ctx, finished, null);
}

const isThere = (ctx: Ctx, condition: SQL | undefined) =>
  exists(
    ctx.db
      .select({ one: sql`1` })
      .from(documents)
      .where(condition),
  );

const hasSpaces = (storeId: string, { space, nextSpace }: Processed) =>
  sql`exists (select 1 from knowledge_stores where id = ${storeId} and space = ${space} and next_space is ${nextSpace})`;

/** It will not get better by trying again; what an earlier version of it says is found still. */
export async function failDocument(ctx: Ctx, document: ClaimedDocument, code: string, reason: string): Promise<false> {
  const failed = { status: "error" as const, errorCode: code, lastError: reason, claim: null, dueAt: null };
  const data = { vector_store_id: document.storeId, file_id: document.id, error: reason };
  const [heard, [settled]] = await ctx.db.batch([
    webhookInsertIf(ctx, isThere(ctx, claimed(ctx, document)), { type: "vector_store.file.failed", data }),
    ctx.db
      .update(documents)
      .set({ ...failed, updatedAt: ctx.now() })
      .where(claimed(ctx, document))
      .returning(),
  ]);
  ringTold(ctx, heard);
  if (settled) await tellSettled(ctx, settled, reason);
  return false;
}

/** A document that waits for a busy model does so for a day, however often it is told to come back. */
const LONGEST_PATIENCE_MS = 86_400_000;

/** Puts a document back until a busy model is worth trying again, which is no failure of the document. */
export async function putBack(ctx: Ctx, document: ClaimedDocument, reason: string, seconds: number): Promise<boolean> {
  const isPatient = ctx.now().getTime() - document.updatedAt.getTime() < LONGEST_PATIENCE_MS;
  if (!isPatient) return postponeDocument(ctx, document, reason);
  const changes = { lastError: reason, attempts: document.attempts - 1 };
  await releaseDocument(ctx, document, Math.min(seconds, LONGEST_WAIT_SECONDS), changes);
  return true;
}

/** Tries again later, each time after a longer wait; says meanwhile why. False: that was the last time. */
export async function postponeDocument(ctx: Ctx, document: ClaimedDocument, reason: string): Promise<boolean> {
  if (document.attempts >= MOST_ATTEMPTS) return failDocument(ctx, document, "unavailable", reason);
  const seconds = Math.min(2 ** document.attempts, LONGEST_WAIT_SECONDS);
  await releaseDocument(ctx, document, seconds, { lastError: reason });
  return true;
}

/** Gives the document back, to be claimed again after some seconds. */
async function releaseDocument(
  ctx: Ctx,
  document: ClaimedDocument,
  seconds: number,
  changes: Partial<Pick<Document, "lastError" | "attempts">> = {},
): Promise<void> {
  const dueAt = new Date(ctx.now().getTime() + seconds * 1000);
  const [released] = await ctx.db
    .update(documents)
    .set({ ...changes, claim: null, dueAt })
    .where(claimed(ctx, document))
    .returning();
  if (released) await ringFor(ctx, document, seconds);
}

const MOST_PER_SWEEP = 500;

/** Rings for what has been due for a while, or deleted and not erased: its bell was lost, or the worker that had it. */
export async function sweepKnowledge(db: Db, jobs: JobPort, now: Date): Promise<void> {
  const document = { storeId: documents.storeId, documentId: documents.id, projectId: documents.projectId };
  const [due, deleted, deletedFiles, deletedStores] = await db.batch([
    db
      .select(document)
      .from(documents)
      .where(and(eq(documents.status, "pending"), lt(documents.dueAt, now), isNull(documents.deletedAt)))
      .orderBy(documents.dueAt)
      .limit(MOST_PER_SWEEP),
    db.select(document).from(documents).where(lt(documents.deletedAt, now)).limit(MOST_PER_SWEEP),
    db
      .select({ fileId: files.id, projectId: files.projectId })
      .from(files)
      .where(lt(files.deletedAt, now))
      .limit(MOST_PER_SWEEP),
    db
      .select({ storeId: knowledgeStores.id, projectId: knowledgeStores.projectId })
      .from(knowledgeStores)
      .where(lt(knowledgeStores.deletedAt, now))
      .limit(MOST_PER_SWEEP),
  ]);
  await Promise.all([
    ...due.map((work) => jobs.ring({ kind: "index-document", ...work })),
    ...deleted.map((work) => jobs.ring({ kind: "erase-document", ...work })),
    ...deletedFiles.map((work) => jobs.ring({ kind: "erase-file", ...work })),
    ...deletedStores.map((work) => jobs.ring({ kind: "erase-store", ...work })),
  ]);
}
