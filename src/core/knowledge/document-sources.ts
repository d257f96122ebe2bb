import { and, eq, isNull } from "drizzle-orm";
import { documents } from "../../db/schema.ts";
import type { Ctx } from "../context.ts";
import { claimed, ClaimLost, type ClaimedDocument } from "./document-queue.ts";
import { retryDocument, ringFor, updateDocument, type Document } from "./documents.ts";
import { createOnce } from "../idempotency.ts";
import { findStore, refuseExpired } from "./knowledge-stores.ts";
import { insertDocument, newDocument, type DocumentOptions } from "./new-documents.ts";
import { requireOutboundUrl } from "../outbound.ts";
import { awaitedFile, contentHash, replaceBytes } from "./stored-files.ts";

/**
 * Puts what lies at an address into a store. It is fetched when the document is read: one that is there already is read
 * again, and found as it was until that is done.
 */
export async function addSource(
  ctx: Ctx,
  storeId: string,
  source: { url: string; filename?: string },
  options: DocumentOptions,
): Promise<Document> {
  refuseExpired(ctx, await findStore(ctx, storeId));
  requireOutboundUrl(ctx, "url", source.url);
  const sourceUrl = withoutFragment(source.url);
  const known = await findBySource(ctx, storeId, sourceUrl);
  if (known) return refetch(ctx, known, options);
  const { file, insertFile } = awaitedFile(ctx, source.filename ?? nameOf(sourceUrl));
  const document = newDocument(ctx, storeId, file, { ...options, sourceUrl });
  await createOnce(ctx, document, insertFile, insertDocument(ctx, document));
  await ringFor(ctx, document);
  return document;
}

function withoutFragment(address: string): string {
  const url = new URL(address);
  url.hash = "";
  return url.href;
}

/** As a browser would save it; a page that has no name is called after its site. */
function nameOf(address: string): string {
  const { pathname, hostname } = new URL(address);
  const last = pathname.split("/").findLast((part) => part !== "");
  return (last === undefined ? hostname : decoded(last)).slice(0, 255);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text).toWellFormed();
  } catch {
    return text;
  }
}

const findBySource = (ctx: Ctx, storeId: string, sourceUrl: string): Promise<Document | undefined> =>
  ctx.db.query.documents.findFirst({
    where: and(
      eq(documents.storeId, storeId),
      eq(documents.sourceUrl, sourceUrl),
      eq(documents.projectId, ctx.project.id),
      isNull(documents.deletedAt),
    ),
  });

async function refetch(ctx: Ctx, known: Document, { attributes, chunking }: DocumentOptions): Promise<Document> {
  const changed = attributes ? await updateDocument(ctx, known.storeId, known.id, attributes) : known;
  if (known.status === "pending") return changed;
  return retryDocument(ctx, known.storeId, known.id, chunking ? { chunking } : {});
}

/** Keeps what was fetched for a document, under the claim of the worker who did. */
export async function keepFetched(ctx: Ctx, document: ClaimedDocument, bytes: Uint8Array): Promise<void> {
  if (!(await replaceBytes(ctx, document.id, bytes))) throw new ClaimLost();
  await ctx.db
    .update(documents)
    .set({ bytes: bytes.byteLength, contentHash: await contentHash(bytes) })
    .where(claimed(ctx, document));
}
