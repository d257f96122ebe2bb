import { stemsOf } from "../lib/words.ts";
import { truncate } from "../lib/text.ts";

/** Beginnings nearer to each other than this are not worth a look each. */
const STEP = 200;

/** The part of a passage that shares most words with what was said of it, from the beginning of a paragraph on. */
export function excerptFor(said: string, passage: string, atMost: number): string {
  if (passage.length <= atMost) return passage;
  const wanted = new Set(stemsOf(said));
  const starts = [0];
  for (const { 0: gap, index } of passage.matchAll(/\n\n+/g)) {
    if (index + gap.length >= starts.at(-1)! + STEP) starts.push(index + gap.length);
  }
  const parts = starts.map((start) => truncate(passage.slice(start), atMost));
  const scores = parts.map((part) => new Set(stemsOf(part).filter((stem) => wanted.has(stem))).size);
  return parts[scores.indexOf(Math.max(...scores))]!;
}
