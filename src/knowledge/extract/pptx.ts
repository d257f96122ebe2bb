import type { Block } from "../blocks.ts";
import { type Archive, relationsIn } from "./archive.ts";
import { BlockWriter } from "./block-writer.ts";
import { Grid } from "./grid.ts";
import { type Attributes, type MarkupReader, readMarkup } from "./markup.ts";

const FURNITURE = new Set(["sldNum", "dt", "ftr", "hdr", "sldImg"]);

/** One slide, or the notes of one: its shapes are written in the order in which they lie. */
class SlideReader implements MarkupReader {
  readonly #writer: BlockWriter;
  #shape: { kind: string; paragraphs: { depth: number; text: string }[] } = { kind: "", paragraphs: [] };
  #text = "";
  #depth = 0;
  #reads = false;
  #unread = 0;
  #grid: Grid | null = null;

  constructor(writer: BlockWriter) {
    this.#writer = writer;
  }

  open(tag: string, attributes: Attributes): void {
    if (tag === "mc:Fallback") this.#unread++;
    if (tag === "p:sp") this.#shape = { kind: "", paragraphs: [] };
    else if (tag === "p:ph") this.#shape.kind = attributes.get("type") ?? "body";
    else if (tag === "a:pPr") this.#depth = Math.min(Number(attributes.get("lvl") ?? 0) || 0, 9);
    else if (tag === "a:br") this.#append("\n");
    else if (tag === "a:t") this.#reads = this.#unread === 0;
    else if (tag === "a:tbl") this.#grid = new Grid();
    else if (tag === "a:tr") this.#grid?.openRow();
    else if (tag === "a:tc")
      this.#grid?.openCell({
        isHeader: true,
        columns: Number(attributes.get("gridSpan") ?? 1),
        rows: Number(attributes.get("rowSpan") ?? 1),
      });
  }

  close(tag: string): void {
    if (tag === "mc:Fallback") this.#unread = Math.max(0, this.#unread - 1);
    else if (tag === "a:t") this.#reads = false;
    else if (tag === "a:p") this.#endParagraph();
    else if (tag === "a:tc") this.#grid?.closeCell();
    else if (tag === "a:tbl") this.#endTable();
    else if (tag === "p:sp") this.#endShape();
  }

  text(text: string): void {
    if (this.#reads) this.#append(text);
  }

  #append(text: string): void {
    if (this.#grid?.isOpen) this.#grid.text += text;
    else this.#text += text;
  }

  #endParagraph(): void {
    if (this.#grid) return this.#append(" ");
    if (this.#text.trim()) this.#shape.paragraphs.push({ depth: this.#depth, text: this.#text });
    this.#text = "";
    this.#depth = 0;
  }

  #endTable(): void {
    if (this.#grid) this.#writer.table(this.#grid.rows);
    this.#grid = null;
  }

  #endShape(): void {
    const { kind, paragraphs } = this.#shape;
    this.#shape = { kind: "", paragraphs: [] };
    if (FURNITURE.has(kind)) return;
    if (kind === "title" || kind === "ctrTitle") this.#writer.heading(1, paragraphs.map(({ text }) => text).join(" "));
    else if (paragraphs.length > 1) for (const { depth, text } of paragraphs) this.#writer.listItem(depth, text);
    else for (const { text } of paragraphs) this.#writer.paragraph(text);
  }
}

/** The slides in the order of the show, each with the notes of who speaks. */
export function readPptx(archive: Archive): Block[] {
  const files = archive.read(
    /^ppt\/(?:presentation\.xml|_rels\/presentation\.xml\.rels|(?:slides|notesSlides)\/(?:_rels\/)?[^/]+\.(?:xml|rels))$/,
  );
  const relations = relationsIn(files.get("ppt/_rels/presentation.xml.rels"), "ppt");
  const order = [...(files.get("ppt/presentation.xml") ?? "").matchAll(/<p:sldId\s[^>]*\br:id="([^"]*)"/g)];
  const writer = new BlockWriter();
  for (const [index, [, id]] of order.entries()) {
    const name = relations.get(id!) ?? "";
    writer.place = `slide ${index + 1}`;
    readMarkup(files.get(name) ?? "", "xml", new SlideReader(writer));
    const beside = relationsIn(files.get(name.replace("slides/", "slides/_rels/") + ".rels"), "ppt/slides");
    const notes = [...beside.values()].find((target) => target.startsWith("ppt/notesSlides/"));
    if (notes) readMarkup(files.get(notes) ?? "", "xml", new SlideReader(writer));
  }
  return writer.blocks;
}
