import type { Block } from "../blocks.ts";
import { BlockWriter } from "./block-writer.ts";
import type { Line } from "./pdf-lines.ts";

/** Titles of the document's own table of contents, as `titleKey` makes them, and how deep each lies. */
export type Outline = Map<string, number>;

export const titleKey = (title: string) =>
  title
    .toLowerCase()
    .replace(/^[\d.\s]+/, "")
    .replace(/[^\p{L}\d]+/gu, "");

/** What is usual in the document: whatever differs from it means something. */
type Usual = {
  size: number;
  leading: number;
  width: number;
  headingSizes: number[];
  words: Set<string>;
  outline: Outline;
};

const BULLET = /^\s*(?:[•◦▪●‣–*]|\d{1,3}[.)]|[a-z]\))\s+\S/;
const ENDS_SENTENCE = /[.!?:;…。！？؟"”»)]\s*$/;
const CONTINUES = /^\s*\p{Ll}/u;
const CONTENTS = / … \s*[\divxlc]+$/;
const MAX_HEADING = 200;
const MIN_HEADING_RATIO = 1.12;

const half = (number: number) => Math.round(number * 2) / 2;
const titleOf = (lines: Line[]) => lines.map(({ text }) => text.trim()).join(" ");

/** The value that most characters have. */
function commonest(values: { value: number; weight: number }[]): number {
  const sums = new Map<number, number>();
  for (const { value, weight } of values) sums.set(value, (sums.get(value) ?? 0) + weight);
  return [...sums].reduce((best, each) => (each[1] > best[1] ? each : best), [0, 0])[0];
}

const weighed = (lines: Line[], value: (line: Line, before: Line) => number) =>
  lines.slice(1).map((line, at) => ({ value: value(line, lines[at]!), weight: line.text.length }));

function usualOf(lines: Line[], outline: Outline): Usual {
  const size = commonest(lines.map((line) => ({ value: half(line.size), weight: line.text.length }))) || 10;
  const gaps = weighed(lines, (line, before) => (line.page === before.page ? half(before.y - line.y) : 0));
  const leading = commonest(gaps.filter(({ value }) => value > 0 && value < size * 3)) || size * 1.3;
  const width = commonest(
    lines.map(({ left, right, text }) => ({ value: Math.round((right - left) / 10) * 10, weight: text.length })),
  );
  const larger = new Set(lines.map((line) => half(line.size)).filter((each) => each >= size * MIN_HEADING_RATIO));
  const words = new Set(lines.flatMap(({ text }) => text.toLowerCase().match(/\p{L}+(?:-\p{L}+)*/gu) ?? []));
  return { size, leading, width, headingSizes: [...larger].toSorted((a, b) => b - a), words, outline };
}

/** Whether a line goes on with the paragraph of the line before it. */
function goesOn(line: Line, before: Line, first: Line, usual: Usual): boolean {
  if (line.isMonospace !== before.isMonospace || Math.abs(line.size - before.size) > before.size * 0.1) return false;
  if ((BULLET.test(line.text) && !line.isMonospace) || CONTENTS.test(before.text)) return false;
  const gap = before.y - line.y;
  if (line.page !== before.page || gap <= 0) return CONTINUES.test(line.text) && !ENDS_SENTENCE.test(before.text);
  if (gap > Math.max(usual.leading, line.size) * 1.35) return false;
  const indent = line.left - before.left;
  const isIndented = indent > line.size * 0.8 && indent < line.size * 4 && before !== first;
  return line.isMonospace || !(isIndented && ENDS_SENTENCE.test(before.text));
}

function paragraphsOf(lines: Line[], usual: Usual): Line[][] {
  const paragraphs: Line[][] = [];
  for (const line of lines) {
    const open = paragraphs.at(-1);
    if (open && goesOn(line, open.at(-1)!, open[0]!, usual)) open.push(line);
    else paragraphs.push([line]);
  }
  return paragraphs;
}

/** A word cut at a line's end is whole again; a hyphen stays if the document writes the word with it elsewhere. */
function joined(lines: Line[], usual: Usual): string {
  let text = "";
  for (const [at, line] of lines.entries()) {
    const before = lines[at - 1];
    const head = /(\p{L}+)[-\u2010\u00AD]$/u.exec(text)?.[1];
    const tail = /^\p{Ll}+/u.exec(line.text)?.[0];
    if (head && tail) {
      const isCompound =
        usual.words.has(`${head}-${tail}`.toLowerCase()) && !usual.words.has((head + tail).toLowerCase());
      text = (isCompound ? text : text.slice(0, -1)) + line.text;
    } else {
      const isShort = before && before.right - before.left < usual.width * 0.6;
      text += (at === 0 ? "" : isShort ? "\n" : " ") + line.text;
    }
  }
  return text;
}

function headingLevel(lines: Line[], usual: Usual): number | null {
  const text = titleOf(lines);
  if (lines.length > 3 || text.length > MAX_HEADING || !/\p{L}/u.test(text)) return null;
  if (usual.outline.size > 0) return usual.outline.get(titleKey(text)) ?? null;
  const rank = usual.headingSizes.indexOf(half(lines[0]!.size));
  return rank < 0 ? null : Math.min(rank + 1, 6);
}

function indented(lines: Line[]): string {
  const margin = Math.min(...lines.map(({ left }) => left));
  return lines
    .map(({ text, left, size }) => " ".repeat(Math.min(40, Math.round((left - margin) / (size * 0.6)))) + text)
    .join("\n");
}

/** Lines as blocks: by the distances between them, their type, and the titles that the document lists itself. */
export function blocksOfLines(lines: Line[], outline: Outline): Block[] {
  const writer = new BlockWriter();
  const keys = new Set(lines.map(({ text }) => titleKey(text)));
  const isTrue = [...outline.keys()].filter((key) => keys.has(key)).length > outline.size / 2;
  const usual = usualOf(lines, isTrue ? outline : new Map());
  for (const paragraph of paragraphsOf(lines, usual)) {
    writer.place = `page ${paragraph[0]!.page}`;
    const level = headingLevel(paragraph, usual);
    if (level) writer.heading(level, titleOf(paragraph));
    else if (paragraph.every(({ isMonospace }) => isMonospace)) writer.code(indented(paragraph));
    else if (BULLET.test(paragraph[0]!.text))
      writer.listItem(0, joined(paragraph, usual).replace(/^\s*[•◦▪●‣–*]\s+/, ""));
    else writer.paragraph(joined(paragraph, usual));
  }
  return writer.blocks;
}
