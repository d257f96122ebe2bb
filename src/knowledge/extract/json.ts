import type { Block } from "../blocks.ts";
import { BlockWriter } from "./block-writer.ts";

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

const MAX_DEPTH = 64;
const isObject = (value: Json): value is { [key: string]: Json } =>
  typeof value === "object" && !Array.isArray(value) && value !== null;
const isScalar = (value: Json) => value === null || typeof value !== "object";

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** One value in one line as a person would say it. */
function inWords(value: Json, depth = 0): string {
  if (value === null) return "";
  if (typeof value !== "object") return String(value);
  if (depth > MAX_DEPTH) return "…";
  if (Array.isArray(value)) return value.map((each) => inWords(each, depth + 1)).join(", ");
  return Object.entries(value)
    .map(([key, each]) => `${key}: ${inWords(each, depth + 1)}`)
    .join("; ");
}

const isLong = (value: Json) => typeof value === "string" && (value.length > 200 || value.includes("\n"));
const fitsCell = (value: Json) => !isLong(value) && inWords(value).length < 120;

/** Records with the same few plain fields are a table; each of its rows is then read with the fields' names. */
function asTable(items: Json[]): string[][] | null {
  if (items.length < 2 || !items.every(isObject)) return null;
  const keys = [...new Set(items.flatMap((item) => Object.keys(item)))];
  const filled = items.reduce((sum, item) => sum + Object.keys(item).length, 0);
  const isEven = keys.length <= 30 && filled > keys.length * items.length * 0.7;
  const isShort = items.every((item) => Object.values(item).every((value) => isScalar(value) && fitsCell(value)));
  return isEven && isShort ? [keys, ...items.map((item) => keys.map((key) => inWords(item[key] ?? null)))] : null;
}

/** A record is a paragraph, a field a line; a long text among them stands alone. */
function writeRecord(writer: BlockWriter, record: Json): void {
  if (!isObject(record)) return writer.paragraph(inWords(record));
  const fields = Object.entries(record).filter(([, value]) => value !== null && value !== "");
  const short = fields.filter(([, value]) => !isLong(value));
  writer.paragraph(short.map(([key, value]) => `${key}: ${inWords(value)}`).join("\n"));
  for (const [key, value] of fields)
    if (isLong(value)) for (const part of `${key}: ${value as string}`.split(/\n\s*\n/)) writer.paragraph(part);
}

function writeItems(writer: BlockWriter, items: Json[]): void {
  const table = asTable(items);
  if (table) writer.table(table);
  else for (const item of items) writeRecord(writer, item);
}

/** The members of an object that hold much are its sections; the others come first. */
function writeValue(writer: BlockWriter, value: Json, level: number): void {
  if (Array.isArray(value)) return writeItems(writer, value);
  if (!isObject(value) || level > 6) return writeRecord(writer, value);
  const isSection = (each: Json) => !isScalar(each) && inWords(each).length > 300;
  const sections = Object.entries(value).filter(([, each]) => isSection(each));
  const rest = Object.entries(value).filter(([, each]) => !isSection(each));
  if (rest.length > 0) writeRecord(writer, Object.fromEntries(rest));
  for (const [key, each] of sections) {
    writer.heading(level, key);
    writeValue(writer, each, level + 1);
  }
}

/** The blocks of a JSON text, or null if it is none. */
export function readJson(text: string): Block[] | null {
  if (!/^\s*[[{]/.test(text)) return null;
  const value = parse(text);
  if (value === undefined) return null;
  const writer = new BlockWriter();
  writeValue(writer, value, 1);
  return writer.blocks;
}

/** A record per line; null if that is not what the text is. A last line that was cut short is left out. */
export function readJsonLines(text: string): Block[] | null {
  const lines = text.split(/\r?\n/).filter((line) => line.trim());
  if (lines.length < 2 || !/^\s*[[{]/.test(lines[0]!)) return null;
  const values = lines.map(parse);
  if (values.at(-1) === undefined) values.pop();
  if (values.includes(undefined)) return null;
  const writer = new BlockWriter();
  writeItems(writer, values as Json[]);
  return writer.blocks;
}
