import type { TextContent, TextItem } from "../../pdf-engine.ts";

/** A line of a page as it is seen: where it stands, and in what type. */
export type Line = {
  text: string;
  page: number;
  left: number;
  right: number;
  y: number;
  size: number;
  isMonospace: boolean;
};

const isText = (item: TextItem | { type: string }): item is TextItem => "str" in item;
const sizeOf = ({ transform }: TextItem) => Math.hypot(transform[2]!, transform[3]!) || 1;

/** A line while its parts are found, and how much of it is in a monospaced type. */
type OpenLine = Line & { monospaced: number };

const opened = (page: number, left: number, y: number, size: number): OpenLine => {
  return { text: "", page, left, right: left, y, size, isMonospace: false, monospaced: 0 };
};

/** The dots that lead to a number in a table of contents say nothing. */
const closed = ({ monospaced, ...line }: OpenLine): Line => {
  const text = line.text.replace(/(?:\s?\.){5,}/g, " … ").trimEnd();
  return { ...line, text, isMonospace: monospaced > line.text.length / 2 };
};

/** Joins what was drawn side by side into lines, in the order in which the page draws them. */
export function linesOf({ items, styles }: TextContent, page: number): Line[] {
  const lines: OpenLine[] = [];
  let line: OpenLine | null = null;
  for (const item of items.filter(isText)) {
    const [size, left, y] = [sizeOf(item), item.transform[4]!, item.transform[5]!];
    if (line && item.str && (Math.abs(y - line.y) > line.size * 0.6 || left < line.right - line.size * 3)) line = null;
    if (!line && item.str.trim()) lines.push((line = opened(page, left, y, size)));
    if (line) {
      if (item.str.trim().length > line.text.length) line.size = size;
      if (styles[item.fontName]?.fontFamily === "monospace") line.monospaced += item.str.length;
      line.text += item.str;
      line.right = Math.max(line.right, left + item.width);
    }
    if (item.hasEOL) line = null;
  }
  return lines.map(closed);
}

const PAGE_NUMBER =
  /^[\s\p{P}|]*(?:page|p\.|стр(?:аница|\.)?|página|pág\.?|seite|صفحة)?\s*(?:\d{1,5}|[ivxlc]{1,7})(?:\s*(?:of|из|de|von|\/)\s*\d{1,5})?[\s\p{P}|]*$/iu;
const MIN_REPETITIONS = 3;

/** The two lines at either end of a page: where running heads and page numbers stand. */
function edges(lines: Line[]): Line[] {
  const byHeight = lines.toSorted((a, b) => b.y - a.y);
  return [...new Set([...byHeight.slice(0, 2), ...byHeight.slice(-2)])];
}

/** The same line on another page may begin or end with another number. */
const numberless = ({ text, y }: Line) => `${Math.round(y / 3)} ${text.trim().replace(/^\d+|\d+$/g, "#")}`;

/** Leaves out page numbers, and what stands in the same place at the edge of at least three pages. */
export function withoutRunningHeads(pages: Line[][]): Line[] {
  const seen = new Map<string, number>();
  for (const page of pages)
    for (const line of edges(page)) seen.set(numberless(line), (seen.get(numberless(line)) ?? 0) + 1);
  return pages.flatMap((page) => {
    const atEdge = new Set(edges(page));
    const isRunning = (line: Line) =>
      atEdge.has(line) &&
      (seen.get(numberless(line))! >= MIN_REPETITIONS || (page.length > 1 && PAGE_NUMBER.test(line.text)));
    return page.filter((line) => !isRunning(line));
  });
}
