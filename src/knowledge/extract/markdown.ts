import type { Block } from "../blocks.ts";
import { BlockWriter } from "./block-writer.ts";

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/;
const UNDERLINE = /^ {0,3}(=+|-{2,})[ \t]*$/;
const ITEM = /^\s*(?:[-*+]|\d{1,9}[.)])[ \t]+\S/;
const RULE = /^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const DASHES = /^\|?:?-+:?(?:\|:?-+:?)*\|?$/;
const INDENTED = /^(?: {4}|\t)/;

/** A heading says what it says without its signs: they would be in nobody's question. */
const plain = (heading: string) =>
  heading
    .replace(/[ \t]#+[ \t]*$/, "")
    .replace(/!?\[([^\][]*)\]\([^()]*\)/g, "$1")
    .replace(/[*`]|<[^<>]*>|\{#[^{}]*\}/g, "");

/** The lines of a Markdown text, taken block by block. Inline signs stay: they are text to search, show and quote. */
class MarkdownReader {
  readonly writer = new BlockWriter();
  readonly #lines: string[];
  #at = 0;

  constructor(text: string) {
    this.#lines = text.split(/\r\n?|\n/);
  }

  read(): Block[] {
    this.#skipFrontMatter();
    while (this.#at < this.#lines.length) this.#block();
    return this.writer.blocks;
  }

  get #line(): string {
    return this.#lines[this.#at] ?? "";
  }

  #take(goesOn: (line: string, next: string) => boolean): string {
    const from = this.#at++;
    while (this.#at < this.#lines.length && goesOn(this.#line, this.#lines[this.#at + 1] ?? "")) this.#at++;
    return this.#lines.slice(from, this.#at).join("\n");
  }

  /** What a page's front matter says of its title is worth a heading; the rest is for machines. */
  #skipFrontMatter(): void {
    if (this.#lines[0] !== "---") return;
    const end = this.#lines.indexOf("---", 1);
    if (end < 0 || end > 100) return;
    const title = this.#lines.slice(1, end).find((line) => /^title:\s*\S/.test(line));
    if (title)
      this.writer.heading(
        1,
        title
          .slice(6)
          .trim()
          .replace(/^(["'])(.*)\1$/, "$2"),
      );
    this.#at = end + 1;
  }

  #block(): void {
    const line = this.#line;
    const next = this.#lines[this.#at + 1] ?? "";
    const heading = HEADING.exec(line);
    if (!line.trim() || RULE.test(line) || /^\s*<!--.*-->\s*$/.test(line)) this.#at++;
    else if (heading) this.#heading(heading[1]!.length, heading[2] ?? "", 1);
    else if (FENCE.test(line)) this.#fence();
    else if (INDENTED.test(line)) this.writer.code(this.#take((each) => INDENTED.test(each) || !each.trim()));
    else if (line.includes("|") && DASHES.test(next.replace(/\s/g, "")))
      this.writer.raw(
        "table",
        this.#take((each) => each.includes("|")),
      );
    else if (ITEM.test(line)) this.#list();
    else this.#paragraph();
  }

  #heading(level: number, text: string, lines: number): void {
    this.#at += lines;
    this.writer.heading(level, plain(text));
  }

  #fence(): void {
    const mark = FENCE.exec(this.#line)![1]!;
    const body = this.#take(
      (line) => !(line.trim().startsWith(mark) && line.trim() === mark[0]!.repeat(line.trim().length)),
    );
    this.#at++;
    this.writer.code(body.slice(body.indexOf("\n") + 1 || body.length));
  }

  /** Goes on over blank lines as long as items, or lines that belong to one by their indentation, follow. */
  #list(): void {
    let isFenced = false;
    const text = this.#take((line, next) => {
      if (/^\s*(?:```|~~~)/.test(line)) isFenced = !isFenced;
      if (isFenced) return true;
      if (!line.trim()) return ITEM.test(next) || /^\s{2,}\S/.test(next) || !next.trim();
      return ITEM.test(line) || /^\s/.test(line) || !this.#interrupts(line);
    });
    this.writer.raw("list", text);
  }

  #paragraph(): void {
    const text = this.#take((line) => line.trim() !== "" && !UNDERLINE.test(line) && !this.#interrupts(line));
    const underline = UNDERLINE.exec(this.#line);
    if (underline && !text.includes("\n")) return this.#heading(underline[1]!.startsWith("=") ? 1 : 2, text, 1);
    this.writer.raw("paragraph", text);
  }

  #interrupts = (line: string) => HEADING.test(line) || FENCE.test(line) || ITEM.test(line) || RULE.test(line);
}

export const readMarkdown = (text: string): Block[] => new MarkdownReader(text).read();
