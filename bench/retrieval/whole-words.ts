import { wordsToFind } from "../../src/core/knowledge/chunk-words.ts";
import type { Ctx } from "../../src/core/context.ts";
import { headingsOf, loadChunks, type FoundChunk, type LexicalHit } from "../../src/core/knowledge/lexical-search.ts";
import { COMMON_WORDS, wordsOf } from "../../src/lib/words.ts";

const [K, B] = [1.2, 0.75];
const BEST = 64;
const COMMON = new Set(Object.values(COMMON_WORDS).flat());

/** BM25 over words as they are written, none of them cut: what the server's search over stems is measured against. */
export async function searchWholeWords(ctx: Ctx, question: string, storeId: string): Promise<LexicalHit[]> {
  const chunks = await chunksOf(ctx, storeId);
  const texts = chunks.map((chunk) => wordsOf(wordsToFind(chunk.filename, { ...chunk, headings: headingsOf(chunk) })));
  const usual = texts.reduce((sum, { length }) => sum + length, 0) / texts.length;
  const asked = [...new Set(wordsOf(question))].filter((word) => !COMMON.has(word));
  const scores = new Float64Array(chunks.length);
  let highest = 0;
  for (const word of asked) {
    const counts = texts.map((text) => text.filter((each) => each === word).length);
    const rarity = rarityOf(counts.filter((count) => count > 0).length, chunks.length);
    highest += rarity;
    for (const [index, count] of counts.entries()) {
      const length = 1 - B + (B * texts[index]!.length) / usual;
      scores[index]! += (rarity * count * (K + 1)) / (count + K * length);
    }
  }
  return chunks
    .map((chunk, index) => ({ chunk, score: scores[index]! / highest }))
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score)
    .slice(0, BEST);
}

const rarityOf = (having: number, all: number) => Math.log(1 + (all - having + 0.5) / (having + 0.5));

async function chunksOf(ctx: Ctx, storeId: string): Promise<FoundChunk[]> {
  const { results } = await ctx.db.$client
    .prepare("select id from knowledge_chunks where project_id = ? and store_id = ?")
    .bind(ctx.project.id, storeId)
    .all<{ id: number }>();
  const ids = results.map(({ id }) => id);
  return [...(await loadChunks(ctx, ids, { storeIds: [storeId], filter: null })).values()];
}
