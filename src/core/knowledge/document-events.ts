import type { Ctx } from "../context.ts";
import type { Document } from "./documents.ts";
import { storeCounts } from "./knowledge-stores.ts";

/** Tells those who watch the project that a document is read, or has failed, and how many of its store are. Never rejects. */
export async function tellSettled(ctx: Ctx, document: Document, error: string | null): Promise<void> {
  const { storeId, id: documentId, filename } = document;
  try {
    const counts = await storeCounts(ctx, storeId);
    const from = { source: `documents/${storeId}/${documentId}`, seq: ctx.now().getTime() };
    const event = { threadId: null, type: "document-settled" as const, storeId, documentId, filename, error, counts };
    await ctx.feed.publish([{ ...from, events: [event] }]);
  } catch (failure) {
    console.error("document", failure);
  }
}
