import { plainBlocks, plainText, richText, type Block, type Run } from "./rich-text.ts";

/** How a vendor writes a block of text, and how long one of its messages may be. */
export type Markup = {
  limit: number;
  block: (block: Block) => string;
};

/** One message of a vendor: in its markup, and as plain text for when the vendor refuses that. */
export type Piece = { text: string; plain: string };

/**
 * Cuts a text into messages that a vendor takes: between blocks where possible, else at lines, sentences or words. Each is
 * well-formed by itself: what is bold across a cut is bold on both sides.
 */
export function cutIntoPieces(markdown: string, markup: Markup): Piece[] {
  const blocks = richText(markdown);
  const fitting = (blocks.length > 0 ? blocks : plainBlocks(markdown)).flatMap((block) => cutBlock(block, markup));
  const pieces: Piece[] = [];
  for (const block of fitting) {
    const [text, plain] = [markup.block(block), plainText([block])];
    const last = pieces.at(-1);
    const joined = last && { text: `${last.text}\n\n${text}`, plain: `${last.plain}\n\n${plain}` };
    if (joined && fits(joined, markup)) pieces[pieces.length - 1] = joined;
    else pieces.push({ text, plain });
  }
  return pieces;
}

const fits = ({ text, plain }: Piece, { limit }: Markup) => text.length <= limit && plain.length <= limit;

function cutBlock(block: Block, markup: Markup): Block[] {
  const blocks: Block[] = [];
  let rest = block.runs.filter(({ text }) => text !== "");
  while (rest.length > 0) {
    const [head, tail] = cutRuns(block, rest, markup);
    if (head.some(({ text }) => text.trim() !== ""))
      blocks.push({ ...block, runs: tail.length > 0 ? closed(head) : head });
    rest = tail;
  }
  return blocks;
}

/** The space at which it was cut is not needed any more. */
function closed(runs: Run[]): Run[] {
  const last = runs.at(-1)!;
  const text = last.text.trimEnd();
  if (text === "" && runs.length > 1) return closed(runs.slice(0, -1));
  return [...runs.slice(0, -1), { ...last, text }];
}

const asPiece = (block: Block, runs: Run[], markup: Markup): Piece => ({
  text: markup.block({ ...block, runs }),
  plain: plainText([{ ...block, runs }]),
});

/** The longest beginning that fits, and what is left. Always takes something, so that it comes to an end. */
function cutRuns(block: Block, runs: Run[], markup: Markup): [Run[], Run[]] {
  const total = lengthOf(runs);
  if (fits(asPiece(block, runs, markup), markup)) return [runs, []];
  let [low, high] = [1, Math.min(total, markup.limit)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(asPiece(block, take(runs, middle)[0], markup), markup)) low = middle;
    else high = middle - 1;
  }
  const [head, tail] = take(runs, goodCut(runs.map(({ text }) => text).join(""), low));
  return fits(asPiece(block, head, markup), markup) ? [head, tail] : [unmarked(head), tail];
}

/** Where even one character with its markup is too long, as with an endless address, the markup goes. */
const unmarked = (runs: Run[]): Run[] => runs.map(({ text }) => ({ text }));

const lengthOf = (runs: Run[]) => runs.reduce((sum, { text }) => sum + text.length, 0);

function take(runs: Run[], length: number): [Run[], Run[]] {
  const [head, tail]: [Run[], Run[]] = [[], []];
  let left = length;
  for (const run of runs) {
    if (left >= run.text.length) head.push(run);
    else if (left <= 0) tail.push(run);
    else {
      head.push({ ...run, text: run.text.slice(0, left) });
      tail.push({ ...run, text: run.text.slice(left) });
    }
    left -= run.text.length;
  }
  return [head, tail];
}

const BOUNDARIES = [/\n/g, /[.!?…。！？]\s/g, /\s/g];

/** The last good place to cut before `most`, unless that would leave the message half empty. */
function goodCut(text: string, most: number): number {
  for (const boundary of BOUNDARIES) {
    const ends = [...text.slice(0, most).matchAll(boundary)].map((match) => match.index + match[0].length);
    const last = ends.at(-1) ?? 0;
    if (last > most / 2) return last;
  }
  const isHalfCharacter = /[\uD800-\uDBFF]/.test(text[most - 1] ?? "");
  return isHalfCharacter && most > 1 ? most - 1 : most;
}
