import { allStemsOf, stemsOf } from "../../lib/words.ts";
import { filterCondition, type AttributeFilter } from "./attribute-filter.ts";
import { markStems, storeScope, wordsToFind } from "./chunk-words.ts";
import type { Ctx } from "../context.ts";

/** Rarer words say more; a question has no more than this. */
const MOST_TERMS = 24;
const CANDIDATES = 64;

/** A chunk with its document, as a search finds it. */
export type FoundChunk = {
  id: number;
  storeId: string;
  documentId: string;
  filename: string;
  attributes: string;
  contentHash: string;
  version: string;
  position: number;
  text: string;
  headings: string;
  place: string | null;
};

/** `score`: how much of what the question asks the chunk speaks of, 1 being all of it; comparable between questions. */
export type LexicalHit = { chunk: FoundChunk; score: number };

export type ChunkQuery = { storeIds: string[]; filter: AttributeFilter | null };

/** The words of a question; where it has none but common ones, those. */
export function askedStems(query: string): string[] {
  const telling = [...new Set(stemsOf(query))];
  return (telling.length > 0 ? telling : [...new Set(allStemsOf(query))]).slice(0, MOST_TERMS);
}

/**
 * BM25 over stems. The index proposes candidates; they are scored here, because the index knows only how rare a word is among
 * all tenants.
 */
export async function searchWords(ctx: Ctx, query: string, among: ChunkQuery): Promise<LexicalHit[]> {
  const stems = askedStems(query);
  if (stems.length === 0 || among.storeIds.length === 0) return [];
  const [chunks, { total, frequencies }] = await findCandidates(ctx, stems, among);
  const weights = frequencies.map((count) => rarity(count, total));
  return scoreChunks(chunks, stems, weights);
}

/** As if there were so many more chunks, of other things: in a store of one document every word would be common. */
const IMAGINED = 20;

/** Chunks that are not finished or not erased yet are counted too: a word is never in more chunks than there are. */
export const rarity = (count: number, total: number) =>
  Math.log(1 + (Math.max(total - count, 0) + IMAGINED + 0.5) / (count + 0.5));

type Statistics = { total: number; frequencies: number[] };

async function findCandidates(ctx: Ctx, stems: string[], among: ChunkQuery): Promise<[FoundChunk[], Statistics]> {
  const d1 = ctx.db.$client;
  const scope = `scope:(${among.storeIds.map((id) => `"${storeScope(id)}"`).join(" OR ")})`;
  const terms = markStems(ctx.project.id, stems).map((term) => `"${term}"`);
  const counts = terms.map(
    (_, index) => `(select count(*) from knowledge_search where knowledge_search match ?${index + 1})`,
  );
  const [total, frequencies, found] = await d1.batch<Record<string, unknown>>([
    d1
      .prepare(
        `select coalesce(sum(chunk_count), 0) as total from documents
         where project_id = ? and status = 'processed' and deleted_at is null and store_id in (select value from json_each(?))`,
      )
      .bind(ctx.project.id, JSON.stringify(among.storeIds)),
    d1
      .prepare(`select json_array(${counts.join(", ")}) as counts`)
      .bind(...terms.map((term) => `${scope} AND terms:${term}`)),
    candidateStatement(ctx, `${scope} AND terms:(${terms.join(" OR ")})`, among),
  ]);
  return [
    found!.results as FoundChunk[],
    {
      total: Number(total!.results[0]!["total"]),
      frequencies: JSON.parse(frequencies!.results[0]!["counts"] as string) as number[],
    },
  ];
}

const FOUND_COLUMNS = `c.id, c.store_id as storeId, c.document_id as documentId, d.filename, d.attributes,
  d.content_hash as contentHash, c.version, c.position, c.text, c.headings, c.place`;

/** Of a chunk only that version of its document counts which was finished last. */
const FOUND_DOCUMENT = `documents d on d.store_id = c.store_id and d.id = c.document_id and d.version = c.version
  and d.project_id = c.project_id and d.deleted_at is null`;

function candidateStatement(ctx: Ctx, match: string, { storeIds, filter }: ChunkQuery): D1PreparedStatement {
  const condition = filterCondition(filter);
  return ctx.db.$client
    .prepare(
      `select ${FOUND_COLUMNS} from knowledge_search s join knowledge_chunks c on c.id = s.rowid join ${FOUND_DOCUMENT}
       where s.knowledge_search match ? and c.project_id = ? and c.store_id in (select value from json_each(?))
       ${condition.sql} order by bm25(knowledge_search, 0, 1) limit ${CANDIDATES}`,
    )
    .bind(match, ctx.project.id, JSON.stringify(storeIds), ...condition.bindings);
}

/** Chunks by their ids, as far as a search may find them. */
export async function loadChunks(
  ctx: Ctx,
  ids: number[],
  { storeIds, filter }: ChunkQuery,
): Promise<Map<number, FoundChunk>> {
  if (ids.length === 0) return new Map();
  const condition = filterCondition(filter);
  const { results } = await ctx.db.$client
    .prepare(
      `select ${FOUND_COLUMNS} from knowledge_chunks c join ${FOUND_DOCUMENT}
       where c.id in (select value from json_each(?)) and c.project_id = ? and c.store_id in (select value from json_each(?))
       ${condition.sql}`,
    )
    .bind(JSON.stringify(ids), ctx.project.id, JSON.stringify(storeIds), ...condition.bindings)
    .all<FoundChunk>();
  return new Map(results.map((chunk) => [chunk.id, chunk]));
}

const MOST_MATCHING = 5000;

/** The documents that a filter lets through. */
export async function documentsMatching(ctx: Ctx, { storeIds, filter }: ChunkQuery): Promise<string[]> {
  const condition = filterCondition(filter);
  const { results } = await ctx.db.$client
    .prepare(
      `select distinct d.id from documents d where d.project_id = ? and d.deleted_at is null and d.version is not null
       and d.store_id in (select value from json_each(?)) ${condition.sql} limit ${MOST_MATCHING}`,
    )
    .bind(ctx.project.id, JSON.stringify(storeIds), ...condition.bindings)
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

const [K, B] = [1.2, 0.75];

function scoreChunks(chunks: FoundChunk[], stems: string[], weights: number[]): LexicalHit[] {
  const texts = chunks.map((chunk) =>
    allStemsOf(wordsToFind(chunk.filename, { ...chunk, headings: headingsOf(chunk) })),
  );
  const scores = scoreTexts(texts, stems, weights);
  return chunks
    .map((chunk, index) => ({ chunk, score: scores[index]! }))
    .filter((hit) => hit.score > 0)
    .toSorted((a, b) => b.score - a.score);
}

/** BM25, in parts of what a text of usual length scores that says each word of the question once. */
export function scoreTexts(texts: string[][], stems: string[], weights: number[]): number[] {
  const usual = texts.reduce((sum, { length }) => sum + length, 0) / Math.max(1, texts.length);
  const highest = weights.reduce((sum, weight) => sum + weight, 0);
  return texts.map((words) => {
    const counts = countOf(words, stems);
    const length = 1 - B + B * (words.length / usual);
    const sum = counts.reduce((all, count, at) => all + (weights[at]! * count * (K + 1)) / (count + K * length), 0);
    return sum / highest;
  });
}

export const headingsOf = (chunk: FoundChunk) => JSON.parse(chunk.headings) as string[];

function countOf(words: string[], stems: string[]): number[] {
  const counts = new Map(stems.map((stem) => [stem, 0]));
  for (const word of words) {
    const count = counts.get(word);
    if (count !== undefined) counts.set(word, count + 1);
  }
  return stems.map((stem) => counts.get(stem)!);
}
