import { writeChunks } from "../core/knowledge/chunks.ts";
import { DEFAULT_CHUNKING } from "../core/knowledge/chunking.ts";
import type { Ctx } from "../core/context.ts";
import {
  claimDocument,
  ClaimLost,
  failDocument,
  finishDocument,
  postponeDocument,
  putBack,
  renewClaim,
  type ClaimedDocument,
} from "../core/knowledge/document-queue.ts";
import { DomainError, retryAfterOf } from "../core/errors.ts";
import { findStore, targetsOf } from "../core/knowledge/knowledge-stores.ts";
import { readBytes } from "../core/knowledge/stored-files.ts";
import { UnreadableDocument } from "./blocks.ts";
import { embedChunks } from "./embed-chunks.ts";
import { removeStaleChunks } from "./erase.ts";
import { chunkBlocks, type Chunk } from "./chunk.ts";
import { fetchSource, SourceUnavailable } from "./fetch-source.ts";
import { extractText } from "./extract/index.ts";

/**
 * Makes a pending document searchable: reads it, cuts it, writes its chunks and their vectors. Whatever happens it ends as processed, as an error
 * that says why, or as pending with a time at which it is tried again.
 */
export async function indexDocument(ctx: Ctx, storeId: string, documentId: string): Promise<void> {
  const document = await claimDocument(ctx, storeId, documentId);
  if (!document) return;
  const progress = { hasVectors: false };
  try {
    await index(ctx, document, progress);
  } catch (error) {
    const isPostponed = await giveUp(ctx, document, error);
    // What was embedded so far is what the next attempt need not pay for.
    if (isPostponed && progress.hasVectors) return;
  }
  await removeStaleChunks(ctx, document);
}

async function index(ctx: Ctx, document: ClaimedDocument, progress: { hasVectors: boolean }): Promise<void> {
  const chunks = await readChunks(ctx, document);
  await renewClaim(ctx, document);
  await writeChunks(ctx, document, chunks);
  const store = await findStore(ctx, document.storeId);
  const goesOn = () => {
    progress.hasVectors = true;
    return renewClaim(ctx, document);
  };
  for (const target of targetsOf(store))
    await embedChunks(ctx, { ...document, version: document.claim }, target, goesOn);
  const textBytes = chunks.reduce((sum, { text }) => sum + encoder.encode(text).byteLength, 0);
  const { space, nextSpace } = store;
  await finishDocument(ctx, document, { chunkCount: chunks.length, textBytes, space, nextSpace });
}

const encoder = new TextEncoder();

async function readChunks(ctx: Ctx, document: ClaimedDocument): Promise<Chunk[]> {
  const bytes = await bytesOf(ctx, document);
  if (!bytes) throw new UnreadableDocument("the content of this file is not there any more");
  const blocks = await extractText(bytes, document.filename);
  const chunks = await chunkBlocks(blocks, document.chunking ?? DEFAULT_CHUNKING);
  if (chunks.length === 0) throw new UnreadableDocument("there is no text in this file");
  return chunks;
}

const bytesOf = (ctx: Ctx, document: ClaimedDocument): Promise<Uint8Array | null> => {
  const { sourceUrl } = document;
  return sourceUrl === null ? readBytes(ctx, document.id) : fetchSource(ctx, { ...document, sourceUrl });
};

/** How often an address is asked before its document has failed. */
const MOST_FETCHES = 3;

/** True: the document is tried again. */
async function giveUp(ctx: Ctx, document: ClaimedDocument, error: unknown): Promise<boolean> {
  if (error instanceof ClaimLost) return false;
  const isUnavailable = error instanceof SourceUnavailable;
  if (error instanceof UnreadableDocument) return failDocument(ctx, document, "unreadable", error.message);
  if (isUnavailable && document.attempts >= MOST_FETCHES)
    return failDocument(ctx, document, "unavailable", error.message);
  if (isUnavailable || error instanceof DomainError) {
    const seconds = retryAfterOf(error);
    if (seconds !== null) return putBack(ctx, document, error.message, seconds);
    return postponeDocument(ctx, document, error.message);
  }
  console.error("index-document", error);
  return postponeDocument(ctx, document, "something went wrong on our side");
}
