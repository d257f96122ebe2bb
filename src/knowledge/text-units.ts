import { truncate } from "../lib/text.ts";

const segmenter = new Intl.Segmenter("und", { granularity: "sentence" });

/** Every split of a text here gives back the whole of it when joined, and is made as far as it is asked for. */
export function* sentences(text: string): Generator<string> {
  let start = 0;
  // A line break within a paragraph ends no sentence.
  for (const { index } of segmenter.segment(text.replaceAll("\n", " "))) {
    if (index > start) yield text.slice(start, index);
    start = index;
  }
  if (text) yield text.slice(start);
}

export function* lines(text: string): Generator<string> {
  for (const [line] of text.matchAll(/[^\n]*\n+|[^\n]+$/g)) yield line;
}

/** A word that alone is too heavy, cut into pieces that are not. */
function* piecesOfWord(word: string, max: number, weigh: (text: string) => number): Generator<string> {
  for (let rest = word; rest;) {
    let size = Math.min(rest.length, Math.max(1, Math.floor(max * 4)));
    while (size > 1 && weigh(rest.slice(0, size)) > max) size >>= 1;
    const piece = truncate(rest, size) || rest.slice(0, 2);
    yield piece;
    rest = rest.slice(piece.length);
  }
}

/** Pieces as large as the budget allows, cut between words, and within one only if there is no other way. */
export function* wordsWithin(text: string, max: number, weigh: (text: string) => number): Generator<string> {
  let [piece, room] = ["", max];
  for (const [word] of text.matchAll(/\S+\s*|\s+/g)) {
    const weight = weigh(word);
    if (weight <= room) {
      [piece, room] = [piece + word, room - weight];
      continue;
    }
    if (piece) yield piece;
    [piece, room] = weight > max ? ["", max] : [word, max - weight];
    if (weight > max) yield* piecesOfWord(word, max, weigh);
  }
  if (piece) yield piece;
}
