import { storeChunkIds } from "../core/knowledge/chunks.ts";
import type { Ctx } from "../core/context.ts";
import {
  documentsToRebuild,
  endRebuild,
  findRebuilding,
  markRebuilt,
  ringForRebuild,
} from "../core/knowledge/store-rebuild.ts";
import { embedChunks } from "./embed-chunks.ts";

const DOCUMENTS_PER_JOB = 10;
const CHUNKS_AT_ONCE = 500;

/**
 * Makes the vectors of some documents of a store in its new space, and rings again while there are more; at last searches
 * move over, and the old vectors go.
 */
export async function rebuildStore(ctx: Ctx, storeId: string): Promise<void> {
  const store = await findRebuilding(ctx, storeId);
  if (!store) return;
  const found = await documentsToRebuild(ctx, store, DOCUMENTS_PER_JOB);
  for (const document of found) {
    await embedChunks(ctx, document, { model: store.nextModel, space: store.nextSpace }, async () => undefined);
    await markRebuilt(ctx, document, store);
  }
  if (found.length > 0 || !(await endRebuild(ctx, store))) return ringForRebuild(ctx, storeId);
  await clearSpace(ctx, storeId, store.space);
}

async function clearSpace(ctx: Ctx, storeId: string, space: number): Promise<void> {
  const vectors = ctx.vectors({ storeId, space, dimensions: null });
  for (let after = 0; ;) {
    const ids = await storeChunkIds(ctx, storeId, after, CHUNKS_AT_ONCE);
    if (ids.length === 0) return;
    await vectors.delete(ids);
    after = ids.at(-1)!;
  }
}
