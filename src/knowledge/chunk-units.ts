import { type Block, blockSpans } from "./blocks.ts";
import { Pace } from "../lib/pace.ts";
import { tokenWeight } from "./token-weight.ts";
import { lines, sentences, wordsWithin } from "./text-units.ts";

/** What is not cut: a sentence, a line of code, a row. Each begins where the one before ends, so that nothing gets lost. */
export type Unit = {
  text: string;
  start: number;
  weight: number;
  block: number;
  isHeading: boolean;
  isTable: boolean;
  /** Whether its block begins with it. */
  isFirst: boolean;
  /** Of a row that is not the first: its table's header, to stand before a chunk that begins with it. */
  header: string;
  headerWeight: number;
};

/** A table's names of columns, with the line of dashes under them. */
function headerOf(text: string): string {
  const [names = "", dashes = "", ...rows] = text.split("\n", 3);
  return rows.length > 0 && /^\|(?:[ :]*-+[ :]*\|)+\s*$/.test(dashes) ? `${names}\n${dashes}\n` : "";
}

/** A token is shorter than this, taken over a whole block. */
const LONGEST_TOKEN = 40;

const fits = (text: string, max: number) => text.length <= max * LONGEST_TOKEN && tokenWeight(text) <= max;

/** A table or code that fits stays whole, and headings always do; prose is held by the sentence. */
function* partsOf(kind: Block["kind"], text: string, header: string, max: number): Generator<string> {
  if (header) yield header;
  const rest = text.slice(header.length);
  if (kind === "paragraph") yield* sentences(rest);
  else if (kind === "heading" || (kind !== "list" && !header && fits(rest, max))) yield rest;
  else yield* lines(rest);
}

function* cut(part: string, max: number): Generator<string> {
  if (fits(part, max)) return yield part;
  for (const each of sentences(part)) {
    if (fits(each, max)) yield each;
    else yield* wordsWithin(each, max, tokenWeight);
  }
}

function* unitsOfBlock(block: Block, index: number, text: string, start: number, max: number): Generator<Unit> {
  const found = block.kind === "table" && !fits(text, max) ? headerOf(text) : "";
  const header = tokenWeight(found) <= max / 2 ? found : "";
  const headerWeight = tokenWeight(header);
  const ofBlock = { block: index, isHeading: block.kind === "heading", isTable: block.kind === "table" };
  let at = start;
  for (const part of partsOf(block.kind, text, header, max)) {
    const repeats = at > start ? { header, headerWeight } : { header: "", headerWeight: 0 };
    for (const piece of cut(part, max - headerWeight)) {
      yield { text: piece, start: at, weight: tokenWeight(piece), isFirst: at === start, ...repeats, ...ofBlock };
      at += piece.length;
    }
  }
}

/** So much is cut before others are let in. */
const CHARACTERS_AT_ONCE = 10_000;

export async function unitsOf(blocks: Block[], max: number): Promise<Unit[]> {
  const pace = new Pace(CHARACTERS_AT_ONCE);
  const units: Unit[] = [];
  for (const [index, { text, start }] of blockSpans(blocks).entries()) {
    for (const unit of unitsOfBlock(blocks[index]!, index, text, start, max)) {
      units.push(unit);
      await pace.after(unit.text.length);
    }
  }
  return units;
}
