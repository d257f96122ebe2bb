import { findTwins, type StoredChunk, type TwinChunk } from "../core/knowledge/chunks.ts";
import type { Ctx } from "../core/context.ts";

/** The vectors that the project has already for what some chunks of a version say, by their `textHash`. */
export async function knownVectors(
  ctx: Ctx,
  model: string,
  version: string,
  chunks: StoredChunk[],
): Promise<Map<string, Float32Array>> {
  const hashes = [...new Set(chunks.flatMap(({ textHash }) => textHash ?? []))];
  const twins = await findTwins(ctx, model, hashes, version);
  const places = Map.groupBy(twins, ({ storeId, space }) => `${storeId}/${space}`);
  const found = await Promise.all([...places.values()].map((some) => vectorsOf(ctx, some)));
  return oneLength(found.flat());
}

async function vectorsOf(ctx: Ctx, twins: TwinChunk[]): Promise<[string, Float32Array][]> {
  const { storeId, space } = twins[0]!;
  const hashes = new Map(twins.map(({ id, textHash }) => [id, textHash]));
  const vectors = await ctx.vectors({ storeId, space, dimensions: null }).get([...hashes.keys()]);
  return vectors.map(({ id, values }) => [hashes.get(id)!, values]);
}

/** A model whose vectors have changed their length since is as good as another model. */
function oneLength(found: [string, Float32Array][]): Map<string, Float32Array> {
  const length = found[0]?.[1].length;
  return new Map(found.filter(([, values]) => values.length === length));
}
