import type { FoundChunk } from "./lexical-search.ts";

/** A chunk with what each half of the search says of it; null: it is not among that half's best. */
export type FusedHit<C = FoundChunk> = {
  chunk: C;
  score: number;
  lexical: number | null;
  similarity: number | null;
};

type Found = { id: number };
type LexicalHit<C> = { chunk: C; score: number };
type VectorHit<C> = { chunk: C; similarity: number; worth: number };

/** Ranks count by their reciprocal, shifted by this much, so that the first few are nearly alike. */
const RANK_SHIFT = 60;
/** What vectors that are worth nothing may add: less than any difference between words that means something. */
const TIE_BREAK = 0.001;

type Entry<C> = FusedHit<C> & { fused: number };

/**
 * Fuses both halves by reciprocal rank, each weighed by what it is worth; the best are then put in the order of their own
 * scores, which are comparable between questions. Vectors that are worth nothing add no hits and only break ties.
 */
export function fuse<C extends Found>(lexical: LexicalHit<C>[], near: VectorHit<C>[], atMost: number): FusedHit<C>[] {
  const entries = new Map<number, Entry<C>>();
  for (const [rank, { chunk, score }] of lexical.entries()) {
    entries.set(chunk.id, { chunk, score, lexical: score, similarity: null, fused: 1 / (RANK_SHIFT + rank + 1) });
  }
  for (const [rank, hit] of near.entries()) addVector(entries, hit, hit.worth / (RANK_SHIFT + rank + 1));
  return [...entries.values()]
    .toSorted((a, b) => b.fused - a.fused || b.score - a.score)
    .slice(0, atMost)
    .toSorted((a, b) => b.score - a.score)
    .map(({ chunk, score, lexical: words, similarity }) => ({ chunk, score, lexical: words, similarity }));
}

function addVector<C extends Found>(
  entries: Map<number, Entry<C>>,
  { chunk, similarity, worth }: VectorHit<C>,
  fused: number,
): void {
  const known = entries.get(chunk.id);
  if (!known && worth === 0) return;
  const entry = known ?? { chunk, score: 0, lexical: null, similarity: null, fused: 0 };
  const score = worth > 0 ? Math.max(entry.score, similarity * worth) : entry.score + similarity * TIE_BREAK;
  entries.set(chunk.id, { ...entry, score, similarity, fused: entry.fused + fused });
}
