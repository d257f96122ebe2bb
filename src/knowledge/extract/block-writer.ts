import type { Block } from "../blocks.ts";
import { LIMITS, tooLong } from "./limits.ts";

const INVISIBLE = /(?![\n\t])[\p{Cc}\u00AD\u200B\u200E\u200F\u202A-\u202E\u2060\u2066-\u2069\uFEFF]/gu;
const LIGATURES: Record<string, string> = { ﬀ: "ff", ﬁ: "fi", ﬂ: "fl", ﬃ: "ffi", ﬄ: "ffl", ﬅ: "st", ﬆ: "st" };

/** Composed letters, no half characters, nothing that is neither seen nor searched for. */
const clean = (text: string) =>
  text
    .toWellFormed()
    .replace(/\r\n?|[\u2028\u2029\v\f]/g, "\n")
    .replace(INVISIBLE, "")
    .replace(/[ﬀ-ﬆ]/g, (ligature) => LIGATURES[ligature]!)
    .normalize("NFC");

/** Text of a paragraph: runs of spaces count as one, line breaks stay. */
const tidy = (text: string) =>
  clean(text)
    .replace(/[^\S\n]+/g, " ")
    .replace(/ ?\n ?/g, "\n")
    .replace(/\n{2,}/g, "\n")
    .trim();

const oneLine = (text: string) => tidy(text).replaceAll("\n", " ");

/** Text whose spaces mean something: indentation stays. */
function verbatim(text: string): string {
  const lines = clean(text)
    .split("\n")
    .map((line) => line.trimEnd());
  const first = lines.findIndex(Boolean);
  return first < 0 ? "" : lines.slice(first, lines.findLastIndex(Boolean) + 1).join("\n");
}

/** Wider or larger ones are no tables for people, and padding their short rows would cost without bound. */
const MAX_COLUMNS = 500;
const MAX_CELLS = 2_000_000;

const cell = (text: string) => oneLine(text).replaceAll("|", "\\|");
const row = (cells: string[]) => `| ${cells.map(cell).join(" | ")} |`;

/**
 * A table in Markdown. One with a header has the line of dashes after its first, and whoever cuts it can repeat both.
 * Empty rows, and columns that are empty everywhere, are left out.
 */
function tableText(rows: string[][], hasHeader: boolean): string {
  const filled = rows.filter((cells) => cells.some((text) => text.trim()));
  const width = filled.reduce((most, cells) => Math.max(most, cells.length), 0);
  if (width > MAX_COLUMNS || width * filled.length > MAX_CELLS) return filled.map(row).join("\n");
  const columns = Array.from({ length: width }, (_, at) => at).filter((at) =>
    filled.some((cells) => cells[at]?.trim()),
  );
  const lines = filled.map((cells) => row(columns.map((at) => cells[at] ?? "")));
  if (hasHeader && lines.length > 1) lines.splice(1, 0, `|${" --- |".repeat(columns.length)}`);
  return lines.join("\n");
}

/** Collects the blocks of one document, and refuses to grow without end. */
export class BlockWriter {
  readonly blocks: Block[] = [];
  place: string | undefined;
  #characters = 0;

  #write(block: Block): void {
    if (!block.text) return;
    this.#characters += block.text.length;
    if (this.#characters > LIMITS.characters || this.blocks.length >= LIMITS.blocks) throw tooLong();
    this.blocks.push(this.place ? { ...block, place: this.place } : block);
  }

  heading(level: number, text: string): void {
    this.#write({ kind: "heading", level: Math.min(Math.max(level, 1), 6), text: oneLine(text) });
  }

  paragraph(text: string): void {
    this.#write({ kind: "paragraph", text: tidy(text) });
  }

  /** Items that follow each other are one list. */
  listItem(depth: number, text: string): void {
    const item = tidy(text).replaceAll("\n", `\n${"  ".repeat(depth + 1)}`);
    if (!item) return;
    const line = `${"  ".repeat(depth)}- ${item}`;
    const last = this.blocks.at(-1);
    if (last?.kind !== "list" || last.place !== this.place) return this.#write({ kind: "list", text: line });
    this.#characters += line.length + 1;
    if (this.#characters > LIMITS.characters) throw tooLong();
    last.text += `\n${line}`;
  }

  table(rows: string[][], hasHeader = true): void {
    this.#write({ kind: "table", text: tableText(rows, hasHeader) });
  }

  code(text: string): void {
    this.#write({ kind: "code", text: verbatim(text) });
  }

  /** A piece of Markdown that keeps its own signs. */
  raw(kind: "paragraph" | "list" | "table", text: string): void {
    this.#write({ kind, text: verbatim(text) });
  }
}
