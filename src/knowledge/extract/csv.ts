import type { Block } from "../blocks.ts";
import { BlockWriter } from "./block-writer.ts";

const SEPARATORS = [",", ";", "\t", "|"];
const SAMPLE_ROWS = 50;
const SAMPLE_CHARACTERS = 100_000;

/** The rows of a CSV: quoted cells may hold separators, line breaks, and quotes said twice. */
function readRows(text: string, separator: string, limit = Number.POSITIVE_INFINITY): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const ends = new RegExp(`[\\r\\n${separator === "|" ? "\\|" : separator}]`, "g");
  for (let at = 0; at < text.length && rows.length < limit;) {
    let cell = "";
    if (text[at] === '"') [cell, at] = readQuoted(text, at);
    ends.lastIndex = at;
    const end = ends.exec(text)?.index ?? text.length;
    row.push(cell + text.slice(at, end));
    at = end + 1;
    if (text[end] === separator && at < text.length) continue;
    if (text[end] === separator) row.push("");
    if (text[end] === "\r" && text[at] === "\n") at++;
    rows.push(row);
    row = [];
  }
  return rows;
}

function readQuoted(text: string, from: number): [string, number] {
  const parts: string[] = [];
  for (let at = from + 1; ;) {
    const end = text.indexOf('"', at);
    if (end < 0) return [parts.join("") + text.slice(at), text.length];
    parts.push(text.slice(at, end));
    if (text[end + 1] !== '"') return [parts.join(""), end + 1];
    parts.push('"');
    at = end + 2;
  }
}

const isBlank = (row: string[]) => row.every((cell) => !cell.trim());

/** How surely the text is a table with this separator: the share of its rows that have as many cells as most. */
function regularity(text: string, separator: string): { share: number; columns: number; rows: number } {
  const rows = readRows(text, separator, SAMPLE_ROWS).filter((row) => !isBlank(row));
  if (rows.length > 1 && text.length === SAMPLE_CHARACTERS) rows.pop();
  const counts = new Map<number, number>();
  for (const { length } of rows) counts.set(length, (counts.get(length) ?? 0) + 1);
  const [columns, most] = [...counts].toSorted((a, b) => b[1] - a[1])[0] ?? [0, 0];
  return { share: rows.length > 0 ? most / rows.length : 0, columns, rows: rows.length };
}

/**
 * The separator of a text that is a table, or null. A name that ends in .csv or .tsv is believed more easily than mere
 * prose with as many commas in each line.
 */
export function separatorOf(text: string, isNamedSo: boolean): string | null {
  const sample = text.slice(0, SAMPLE_CHARACTERS);
  const found = SEPARATORS.map((separator) => ({ separator, ...regularity(sample, separator) }))
    .filter(({ columns, share, rows }) => columns > 1 && (isNamedSo ? share > 0.5 : share > 0.95 && rows > 2))
    .toSorted((a, b) => b.share - a.share || b.columns - a.columns);
  return found[0]?.separator ?? (isNamedSo ? "," : null);
}

const looksLikeValue = (cell: string) =>
  /^[-+]?[\d.,\s]*\d[\d.,\s%€$₽]*$|^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|@|:\/\//.test(cell.trim());

/** Names of columns are texts, one for each, and no two the same. */
const isHeader = (row: string[]) =>
  row.every((cell) => cell.trim() && !looksLikeValue(cell)) && new Set(row).size === row.length;

/** A table as it comes from a spreadsheet: its first row names the columns, unless it holds values itself. */
export function writeTable(writer: BlockWriter, rows: string[][]): void {
  const filled = rows.filter((row) => !isBlank(row));
  const first = filled[0]?.slice(0, (filled[0]?.findLastIndex((cell) => cell.trim()) ?? -1) + 1);
  writer.table(filled, !!first && isHeader(first));
}

export function readCsv(text: string, separator: string): Block[] {
  const writer = new BlockWriter();
  const declared = /^sep=(.)\r?\n/i.exec(text);
  writeTable(writer, readRows(declared ? text.slice(declared[0].length) : text, declared?.[1] ?? separator));
  return writer.blocks;
}
