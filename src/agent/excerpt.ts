import { stemsOf } from "../lib/words.ts";
import { truncate } from "../lib/text.ts";

/** Beginnings nearer to each other than this are not worth a look each. */
const STEP = 200;
const [PARAGRAPHS, SENTENCES] = [/\n\n+/g, /\n+|(?<=[.!?…])\s+/g];

/**
 * The part of a passage that shares most words with what was said of it, from the beginning of a paragraph on; of a sentence,
 * where that shares more, as in a paragraph that is longer than the part.
 */
export function excerptFor(said: string, passage: string, atMost: number): string {
  if (passage.length <= atMost) return passage;
  const wanted = new Set(stemsOf(said));
  const starts = [0, ...startsOf(passage, PARAGRAPHS), ...startsOf(passage, SENTENCES)];
  const parts = starts.map((start) => truncate(passage.slice(start), atMost));
  const scores = parts.map((part) => new Set(stemsOf(part).filter((stem) => wanted.has(stem))).size);
  return parts[scores.indexOf(Math.max(...scores))]!;
}

function startsOf(passage: string, gaps: RegExp): number[] {
  const starts: number[] = [];
  for (const { 0: gap, index } of passage.matchAll(gaps)) {
    const start = index + gap.length;
    if (start >= (starts.at(-1) ?? 0) + STEP) starts.push(start);
  }
  return starts;
}
