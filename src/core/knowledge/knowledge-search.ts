import type { AttributeFilter } from "./attribute-filter.ts";
import type { Ctx } from "../context.ts";
import { joinNeighbours, type KnowledgeHit } from "./joined-chunks.ts";
import { fuse, type FusedHit } from "./hybrid.ts";
import { searchableStores, touchStores, type StoreRow } from "./knowledge-stores.ts";
import { searchWords, type ChunkQuery } from "./lexical-search.ts";
import { searchVectors } from "./vector-search.ts";

/** So many stores are looked into at once. */
const MOST_STORES = 100;
const MOST_HITS = 50;
const MOST_QUERIES = 5;

export type { KnowledgeHit } from "./joined-chunks.ts";

export type KnowledgeQuery = {
  /** Absent: all of the project. */
  storeIds?: string[];
  /** One question, or several wordings of it. */
  queries: string[];
  limit: number;
  minScore?: number;
  filter?: AttributeFilter | null;
};

/** What the documents of some stores say about a question, the best first. Foreign and expired stores hold nothing. */
export async function searchKnowledge(ctx: Ctx, query: KnowledgeQuery): Promise<KnowledgeHit[]> {
  const stores = await searchableStores(ctx, query.storeIds, MOST_STORES);
  if (stores.length === 0) return [];
  ctx.defer(touchStores(ctx, stores));
  const among = { storeIds: stores.map(({ id }) => id), filter: query.filter ?? null };
  const wordings = query.queries.slice(0, MOST_QUERIES);
  const found = await Promise.all(wordings.map((wording) => searchOne(ctx, stores, wording, among)));
  const { limit, minScore = 0 } = query;
  return joinNeighbours(found.flat(), Math.min(limit, MOST_HITS)).filter(({ score }) => score >= minScore);
}

/** More than are wanted, since neighbours become one passage. */
const FUSED = 64;

async function searchOne(ctx: Ctx, stores: StoreRow[], wording: string, among: ChunkQuery): Promise<FusedHit[]> {
  const [lexical, near] = await Promise.all([
    searchWords(ctx, wording, among),
    searchVectors(ctx, stores, wording, among),
  ]);
  return fuse(lexical, near, FUSED);
}
