import type { Block } from "../blocks.ts";
import type { Archive } from "./archive.ts";
import { BlockWriter } from "./block-writer.ts";
import { writeTable } from "./csv.ts";
import { Grid } from "./grid.ts";
import { type Attributes, type MarkupReader, readMarkup } from "./markup.ts";

const UNREAD = new Set([
  "office:annotation",
  "text:tracked-changes",
  "office:forms",
  "text:note-citation",
  "svg:title",
  "svg:desc",
]);
const MAX_REPEATED = 100;

/** Texts, sheets and slides of OpenDocument: one language for all three. */
class OdfReader implements MarkupReader {
  readonly writer = new BlockWriter();
  #text = "";
  #level: number | null = null;
  #lists = 0;
  #paragraphs = 0;
  #unread = 0;
  #notes: string[] = [];
  #outer: string[] = [];
  #tables = 0;
  #grid: Grid | null = null;
  #repeated = 1;
  #isSpreadsheet = false;
  #slides = 0;

  open(tag: string, attributes: Attributes): void {
    if (UNREAD.has(tag)) this.#unread++;
    if (this.#unread > 0) return;
    if (tag === "text:p" || tag === "text:h") this.#paragraphs++;
    if (tag === "text:h") this.#level = Number(attributes.get("text:outline-level") ?? 1) || 1;
    else if (tag === "text:list") this.#lists++;
    else if (tag === "text:s") this.#append(" ");
    else if (tag === "text:tab") this.#append(" ");
    else if (tag === "text:line-break") this.#append("\n");
    else if (tag === "text:note") this.#outer.push(this.#take());
    else if (tag === "office:spreadsheet") this.#isSpreadsheet = true;
    else if (tag === "draw:page") this.writer.place = `slide ${++this.#slides}`;
    else if (tag.startsWith("table:")) this.#openTablePart(tag, attributes);
  }

  close(tag: string): void {
    if (UNREAD.has(tag)) this.#unread = Math.max(0, this.#unread - 1);
    else if (this.#unread > 0) return;
    else if (tag === "text:p" || tag === "text:h") this.#endParagraph();
    else if (tag === "text:list") this.#lists = Math.max(0, this.#lists - 1);
    else if (tag === "text:note") this.#endNote();
    else if (tag === "table:table-cell" && this.#tables === 1) this.#endCell();
    else if (tag === "table:table" && --this.#tables === 0) this.#endTable();
  }

  text(text: string): void {
    if (this.#unread === 0 && this.#paragraphs > 0) this.#append(text.replace(/\s+/g, " "));
  }

  #append(text: string): void {
    if (this.#grid?.isOpen && this.#outer.length === 0) this.#grid.text += text;
    else this.#text += text;
  }

  #take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  #endParagraph(): void {
    this.#paragraphs = Math.max(0, this.#paragraphs - 1);
    const level = this.#level;
    this.#level = null;
    if (this.#grid || this.#outer.length > 0) return this.#append(" ");
    const text = this.#take();
    if (level) this.writer.heading(level, text);
    else if (this.#lists > 0) this.writer.listItem(this.#lists - 1, text);
    else this.writer.paragraph(text);
    for (const note of this.#notes.splice(0)) this.writer.paragraph(note);
  }

  /** A note stands after the paragraph that it belongs to. */
  #endNote(): void {
    this.#notes.push(this.#take());
    this.#text = this.#outer.pop() ?? "";
  }

  #openTablePart(tag: string, attributes: Attributes): void {
    const times = (name: string) => Math.min(Number(attributes.get(name) ?? 1) || 1, MAX_REPEATED);
    if (tag === "table:table" && this.#tables++ === 0) {
      this.#grid = new Grid();
      if (this.#isSpreadsheet) this.#beginSheet(attributes.get("table:name") ?? "");
    } else if (this.#tables !== 1 || !this.#grid) return;
    else if (tag === "table:table-row") this.#grid.openRow();
    else if (tag === "table:table-cell") {
      this.#grid.openCell();
      this.#repeated = times("table:number-columns-repeated");
    } else if (tag === "table:covered-table-cell") {
      this.#grid.openCell();
      this.#grid.closeCell();
    }
  }

  #beginSheet(name: string): void {
    this.writer.place = `sheet ${name}`;
    this.writer.heading(1, name);
  }

  #endCell(): void {
    const grid = this.#grid!;
    const text = grid.text;
    grid.closeCell();
    for (let extra = 1; extra < this.#repeated; extra++) {
      grid.openCell();
      grid.text = text;
      grid.closeCell();
    }
  }

  #endTable(): void {
    const rows = this.#grid!.rows;
    this.#grid = null;
    if (rows.some((row) => row.filter((text) => text.trim()).length > 1)) writeTable(this.writer, rows);
    else for (const text of rows.flat()) this.writer.paragraph(text);
    for (const note of this.#notes.splice(0)) this.writer.paragraph(note);
  }
}

export function readOdf(archive: Archive): Block[] {
  const reader = new OdfReader();
  readMarkup(archive.read(/^content\.xml$/).get("content.xml") ?? "", "xml", reader);
  return reader.writer.blocks;
}
