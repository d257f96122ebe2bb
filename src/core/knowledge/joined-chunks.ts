import type { Attributes } from "../../db/schema.ts";
import type { FusedHit } from "./hybrid.ts";
import { headingsOf, type FoundChunk } from "./lexical-search.ts";

/** A passage of a document. `score` is from 0 to 1 and comparable between questions. */
export type KnowledgeHit = {
  storeId: string;
  documentId: string;
  filename: string;
  attributes: Attributes;
  headings: string[];
  place: string | null;
  text: string;
  score: number;
  /** What each half of the search says by itself: how much of the question's words, and how near in meaning. */
  lexical: number | null;
  similarity: number | null;
};

type Run = { chunks: FoundChunk[]; best: FusedHit };

/** A passage is not made longer than this many chunks by its neighbours. */
const LONGEST_RUN = 3;

/**
 * The best hits as passages: the same text is there once, and chunks that follow one another in a document are one passage
 * with the score of its best.
 */
export function joinNeighbours(hits: FusedHit[], limit: number): KnowledgeHit[] {
  const runs: Run[] = [];
  const texts = new Set<string>();
  for (const hit of hits.toSorted((a, b) => b.score - a.score)) {
    const { chunk } = hit;
    if (texts.has(chunk.text)) continue;
    texts.add(chunk.text);
    const neighbour = runs.find((run) => follows(run, chunk) || precedes(run, chunk));
    if (neighbour) neighbour.chunks = [...neighbour.chunks, chunk].toSorted((a, b) => a.position - b.position);
    else if (runs.length < limit) runs.push({ chunks: [chunk], best: hit });
  }
  return runs.map(passageOf);
}

const isSameDocument = (a: FoundChunk, b: FoundChunk) => a.storeId === b.storeId && a.documentId === b.documentId;

const follows = ({ chunks }: Run, chunk: FoundChunk) => {
  const last = chunks.at(-1)!;
  return chunks.length < LONGEST_RUN && isSameDocument(last, chunk) && last.position + 1 === chunk.position;
};

const precedes = ({ chunks }: Run, chunk: FoundChunk) =>
  chunks.length < LONGEST_RUN && isSameDocument(chunks[0]!, chunk) && chunks[0]!.position - 1 === chunk.position;

function passageOf({ chunks, best }: Run): KnowledgeHit {
  const [first] = chunks as [FoundChunk];
  return {
    storeId: first.storeId,
    documentId: first.documentId,
    filename: first.filename,
    attributes: JSON.parse(first.attributes) as Attributes,
    headings: headingsOf(best.chunk),
    place: first.place,
    text: chunks.reduce((text, chunk) => joined(text, chunk.text), ""),
    score: Math.max(0, Math.min(1, best.score)),
    lexical: best.lexical,
    similarity: best.similarity,
  };
}

/** Chunks overlap: what one ends with, the next begins with. */
function joined(text: string, next: string): string {
  if (text === "") return next;
  for (let length = Math.min(text.length, next.length); length > 20; length--) {
    if (text.endsWith(next.slice(0, length))) return text + next.slice(length);
  }
  return `${text}\n${next}`;
}
