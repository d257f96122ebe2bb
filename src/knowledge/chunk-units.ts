import { type Block, blockSpans } from "./blocks.ts";
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
function headerOf(rows: string[]): string {
  return rows.length > 2 && /^\|(?:[ :]*-+[ :]*\|)+\s*$/.test(rows[1]!) ? rows[0]! + rows[1]! : "";
}

/** A table or code that fits stays whole, and headings always do; prose is held by the sentence. */
function partsOf(kind: Block["kind"], text: string, fits: boolean): string[] {
  if (kind === "paragraph") return sentences(text);
  return kind === "heading" || (kind !== "list" && fits) ? [text] : lines(text);
}

function cut(part: string, max: number): string[] {
  if (tokenWeight(part) <= max) return [part];
  return sentences(part).flatMap((each) => (tokenWeight(each) <= max ? each : wordsWithin(each, max, tokenWeight)));
}

function unitsOfBlock(block: Block, index: number, text: string, start: number, max: number): Unit[] {
  const parts = partsOf(block.kind, text, tokenWeight(text) <= max);
  const found = block.kind === "table" ? headerOf(parts) : "";
  const header = tokenWeight(found) <= max / 2 ? found : "";
  const headerWeight = tokenWeight(header);
  if (header) parts.splice(0, 2, header);
  let at = start;
  return parts.flatMap((part, row) =>
    cut(part, max - headerWeight).map((piece): Unit => {
      const unit = { text: piece, start: at, weight: tokenWeight(piece), block: index, isFirst: at === start };
      at += piece.length;
      const repeats = row > 0 ? { header, headerWeight } : { header: "", headerWeight: 0 };
      return { ...unit, ...repeats, isHeading: block.kind === "heading", isTable: block.kind === "table" };
    }),
  );
}

export const unitsOf = (blocks: Block[], max: number): Unit[] =>
  blockSpans(blocks).flatMap(({ text, start }, index) => unitsOfBlock(blocks[index]!, index, text, start, max));
