import { listChunks } from "./chunks.ts";
import type { Ctx } from "../context.ts";
import { getDocument } from "./documents.ts";

const MOST_CHUNKS = 2000;

/** The text that was read from a document, as it was cut; empty until it is processed. */
export async function readDocumentText(ctx: Ctx, storeId: string, id: string): Promise<string[]> {
  const { version } = await getDocument(ctx, storeId, id);
  if (!version) return [];
  const chunks = await listChunks(ctx, { storeId, id, version }, { from: 0, limit: MOST_CHUNKS });
  return chunks.map(({ text }) => text);
}
