import { truncate } from "../lib/text.ts";

const segmenter = new Intl.Segmenter("und", { granularity: "sentence" });

/** Every split of a text here gives back the whole of it when joined. */
export function sentences(text: string): string[] {
  // A line break within a paragraph ends no sentence.
  const flat = text.replaceAll("\n", " ");
  const starts = [...segmenter.segment(flat)].map(({ index }) => index);
  return starts.map((start, at) => text.slice(start, starts[at + 1]));
}

export const lines = (text: string): string[] => text.match(/[^\n]*\n+|[^\n]+$/g) ?? [];

/** A word that alone is too heavy, cut into pieces that are not. */
function piecesOfWord(word: string, max: number, weigh: (text: string) => number): string[] {
  const pieces: string[] = [];
  for (let rest = word; rest;) {
    let size = Math.min(rest.length, Math.max(1, Math.floor(max * 4)));
    while (size > 1 && weigh(rest.slice(0, size)) > max) size >>= 1;
    const piece = truncate(rest, size) || rest.slice(0, 2);
    pieces.push(piece);
    rest = rest.slice(piece.length);
  }
  return pieces;
}

/** Pieces as large as the budget allows, cut between words, and within one only if there is no other way. */
export function wordsWithin(text: string, max: number, weigh: (text: string) => number): string[] {
  const pieces: string[] = [];
  let room = 0;
  for (const word of text.match(/\S+\s*|\s+/g) ?? []) {
    const weight = weigh(word);
    if (weight > max) {
      pieces.push(...piecesOfWord(word, max, weigh));
      room = 0;
    } else if (weight <= room) {
      pieces[pieces.length - 1] += word;
      room -= weight;
    } else {
      pieces.push(word);
      room = max - weight;
    }
  }
  return pieces;
}
