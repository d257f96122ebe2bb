import type { Block } from "../blocks.ts";
import type { Archive } from "./archive.ts";
import { BlockWriter } from "./block-writer.ts";
import { Grid } from "./grid.ts";
import { type Attributes, type MarkupReader, readMarkup } from "./markup.ts";

/** What a style makes of a paragraph. */
type Style = { level: number | null; isList: boolean; basedOn: string | null };

/** Names of built-in styles are English in every language of Word; only their ids are translated. */
const levelOfName = (name: string) => {
  const found = /^heading (\d)$/i.exec(name)?.[1];
  return found ? Number(found) : /^title$/i.test(name) ? 1 : null;
};

class StyleReader implements MarkupReader {
  readonly styles = new Map<string, Style>();
  #style: Style = { level: null, isList: false, basedOn: null };

  open(tag: string, attributes: Attributes): void {
    const value = () => attributes.get("w:val") ?? "";
    if (tag === "w:style") {
      this.#style = { level: null, isList: false, basedOn: null };
      this.styles.set(attributes.get("w:styleId") ?? "", this.#style);
    } else if (tag === "w:name") this.#style.level = levelOfName(value()) ?? this.#style.level;
    else if (tag === "w:outlineLvl" && Number(value()) < 9) this.#style.level ??= Number(value()) + 1;
    else if (tag === "w:basedOn") this.#style.basedOn = value();
    else if (tag === "w:numPr") this.#style.isList = true;
  }

  close(): void {}
  text(): void {}

  /** With what it inherits. */
  find(id: string): Pick<Style, "level" | "isList"> {
    const found = { level: null as number | null, isList: false };
    let style = this.styles.get(id);
    for (let depth = 0; style && depth < 20; depth++, style = this.styles.get(style.basedOn ?? "")) {
      found.level ??= style.level;
      found.isList ||= style.isList;
    }
    return found;
  }
}

class BodyReader implements MarkupReader {
  readonly writer = new BlockWriter();
  readonly #styles: StyleReader;
  readonly #notes: Map<string, string>;
  #text = "";
  #level: number | null = null;
  #item: number | null = null;
  #reads = false;
  #unread = 0;
  #tables = 0;
  #grid: Grid | null = null;
  #pendingNotes: string[] = [];

  constructor(styles: StyleReader, notes: Map<string, string>) {
    this.#styles = styles;
    this.#notes = notes;
  }

  open(tag: string, attributes: Attributes): void {
    if (tag === "mc:Fallback" || tag === "w:del") this.#unread++;
    if (this.#unread > 0) return;
    const value = () => attributes.get("w:val") ?? "";
    if (tag === "w:t") this.#reads = true;
    else if (tag === "w:tab") this.#append(" ");
    else if (tag === "w:noBreakHyphen") this.#append("-");
    else if (tag === "w:br" || tag === "w:cr") this.#append("\n");
    else if (tag === "w:pStyle") this.#useStyle(value());
    else if (tag === "w:outlineLvl" && Number(value()) < 9) this.#level = Number(value()) + 1;
    else if (tag === "w:numPr") this.#item ??= 0;
    else if (tag === "w:ilvl") this.#item = Math.min(Number(value()) || 0, 9);
    else if (tag === "w:footnoteReference" || tag === "w:endnoteReference")
      this.#note(tag, attributes.get("w:id") ?? "");
    else this.#openTablePart(tag, value);
  }

  close(tag: string): void {
    if (tag === "mc:Fallback" || tag === "w:del") this.#unread = Math.max(0, this.#unread - 1);
    else if (this.#unread > 0) return;
    else if (tag === "w:t") this.#reads = false;
    else if (tag === "w:p") this.#endParagraph();
    else if (tag === "w:tc" && this.#tables === 1) this.#grid?.closeCell();
    else if (tag === "w:tbl" && --this.#tables === 0) this.#endTable();
  }

  text(text: string): void {
    if (this.#reads && this.#unread === 0) this.#append(text);
  }

  #append(text: string): void {
    if (this.#grid?.isOpen) this.#grid.text += text;
    else this.#text += text;
  }

  #useStyle(id: string): void {
    const { level, isList } = this.#styles.find(id);
    this.#level = level;
    if (isList) this.#item ??= 0;
  }

  #note(tag: string, id: string): void {
    const note = this.#notes.get(`${tag === "w:footnoteReference" ? "footnote" : "endnote"} ${id}`);
    if (note) this.#pendingNotes.push(note);
  }

  #openTablePart(tag: string, value: () => string): void {
    if (tag === "w:tbl" && this.#tables++ === 0) this.#grid = new Grid();
    else if (this.#tables !== 1 || !this.#grid) return;
    else if (tag === "w:tr") this.#grid.openRow();
    else if (tag === "w:tc") this.#grid.openCell({ isHeader: true });
    else if (tag === "w:gridSpan") this.#grid.widen(Number(value()));
  }

  #endParagraph(): void {
    if (this.#tables > 0) this.#append(" ");
    else {
      const text = this.#text;
      this.#text = "";
      if (this.#level) this.writer.heading(this.#level, text);
      else if (this.#item !== null) this.writer.listItem(this.#item, text);
      else this.writer.paragraph(text);
      this.#writeNotes();
    }
    this.#level = null;
    this.#item = null;
  }

  #endTable(): void {
    const rows = this.#grid!.rows;
    this.#grid = null;
    if (rows.some((row) => row.filter((text) => text.trim()).length > 1)) this.writer.table(rows);
    else for (const text of rows.flat()) this.writer.paragraph(text);
    this.#writeNotes();
  }

  #writeNotes(): void {
    for (const note of this.#pendingNotes.splice(0)) this.writer.paragraph(note);
  }
}

/** Footnotes and endnotes, by the kind and id that the text refers to them with. */
function notesIn(files: Map<string, string>): Map<string, string> {
  const notes = new Map<string, string>();
  for (const kind of ["footnote", "endnote"])
    for (const [, id, body] of (files.get(`word/${kind}s.xml`) ?? "").matchAll(
      new RegExp(`<w:${kind}\\s(?:[^>]*\\s)?w:id="(-?\\d+)"[^>]*>([\\s\\S]*?)</w:${kind}>`, "g"),
    )) {
      const reader = new BodyReader(new StyleReader(), new Map());
      readMarkup(body!, "xml", reader);
      notes.set(`${kind} ${id}`, reader.writer.blocks.map(({ text }) => text).join(" "));
    }
  return notes;
}

export function readDocx(archive: Archive): Block[] {
  const files = archive.read(/^word\/(?:document|styles|footnotes|endnotes)\.xml$/);
  const styles = new StyleReader();
  readMarkup(files.get("word/styles.xml") ?? "", "xml", styles);
  const body = new BodyReader(styles, notesIn(files));
  readMarkup(files.get("word/document.xml") ?? "", "xml", body);
  return body.writer.blocks;
}
