import type { AttributeFilter } from "./attribute-filter.ts";
import type { Ctx } from "./context.ts";
import { joinNeighbours, type KnowledgeHit } from "./joined-chunks.ts";
import { searchableStores, touchStores } from "./knowledge-stores.ts";
import { searchWords } from "./lexical-search.ts";

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
  const found = await Promise.all(wordings.map((wording) => searchWords(ctx, wording, among)));
  return joinNeighbours(found.flat(), Math.min(query.limit, MOST_HITS)).filter(
    ({ score }) => score >= (query.minScore ?? 0),
  );
}
