import { writeChunks } from "../core/chunks.ts";
import { DEFAULT_CHUNKING } from "../core/chunking.ts";
import type { Ctx } from "../core/context.ts";
import {
  claimDocument,
  ClaimLost,
  failDocument,
  finishDocument,
  postponeDocument,
  renewClaim,
  type ClaimedDocument,
} from "../core/document-queue.ts";
import { DomainError } from "../core/errors.ts";
import { findStore, targetsOf } from "../core/knowledge-stores.ts";
import { readBytes } from "../core/stored-files.ts";
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
  try {
    await index(ctx, document);
  } catch (error) {
    await giveUp(ctx, document, error);
  }
  await removeStaleChunks(ctx, document);
}

async function index(ctx: Ctx, document: ClaimedDocument): Promise<void> {
  const chunks = await readChunks(ctx, document);
  await renewClaim(ctx, document);
  await writeChunks(ctx, document, chunks);
  const store = await findStore(ctx, document.storeId);
  const goesOn = () => renewClaim(ctx, document);
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
  const chunks = chunkBlocks(await extractText(bytes, document.filename), document.chunking ?? DEFAULT_CHUNKING);
  if (chunks.length === 0) throw new UnreadableDocument("there is no text in this file");
  return chunks;
}

const bytesOf = (ctx: Ctx, document: ClaimedDocument): Promise<Uint8Array | null> => {
  const { sourceUrl } = document;
  return sourceUrl === null ? readBytes(ctx, document.id) : fetchSource(ctx, { ...document, sourceUrl });
};

/** How often an address is asked before its document has failed. */
const MOST_FETCHES = 3;

async function giveUp(ctx: Ctx, document: ClaimedDocument, error: unknown): Promise<void> {
  if (error instanceof ClaimLost) return;
  if (error instanceof UnreadableDocument) await failDocument(ctx, document, "unreadable", error.message);
  else if (error instanceof SourceUnavailable && document.attempts >= MOST_FETCHES)
    await failDocument(ctx, document, "unavailable", error.message);
  else if (error instanceof DomainError || error instanceof SourceUnavailable)
    await postponeDocument(ctx, document, error.message);
  else {
    console.error("index-document", error);
    await postponeDocument(ctx, document, "something went wrong on our side");
  }
}
