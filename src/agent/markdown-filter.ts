import { LineFilter, LIMIT } from "./markdown-line.ts";

/**
 * Turns a stream of Markdown into plain text. This part knows lines: it drops fences, rules and the markers that begin a
 * line, and leaves the text of each line to a `LineFilter`.
 */
export class MarkdownFilter {
  #rest = "";
  #isInLine = false;
  #line = new LineFilter();
  /** The fence that opened the code block, empty outside of one. */
  #fence = "";
  /** The newline that is owed before the next line that is kept. */
  #newline = "";
  #isAfterRule = false;

  push(text: string): string {
    this.#rest += text;
    let shown = "";
    for (let next = this.#step(); next !== null; next = this.#step()) shown += next;
    return shown;
  }

  end(): string {
    return this.push("\n");
  }

  /** What the next part of the text becomes; null where more of it is needed. */
  #step(): string | null {
    if (!this.#isInLine) return this.#startLine();
    if (this.#rest === "") return null;
    const text = /^[^\n]+/.exec(this.#rest)?.[0];
    if (text === undefined) return this.#endLine();
    this.#rest = this.#rest.slice(text.length);
    return this.#fence ? text : this.#line.push(text);
  }

  #startLine(): string | null {
    const window = this.#rest.slice(0, LIMIT);
    const length = window.indexOf("\n");
    const line = length < 0 ? window : window.slice(0, length);
    if (length < 0 && window.length < LIMIT && this.#isUndecided(line)) return null;
    if (length >= 0 && this.#isDropped(line)) {
      this.#rest = this.#rest.slice(length + 1);
      return "";
    }
    this.#isInLine = true;
    this.#isAfterRule = false;
    return this.#newline + (this.#fence ? "" : this.#readMarker(line, length >= 0));
  }

  #endLine(): string {
    this.#rest = this.#rest.slice(1);
    this.#isInLine = false;
    this.#newline = "\n";
    return this.#line.end();
  }

  #isUndecided(line: string): boolean {
    return (this.#fence ? MAYBE_FENCE : MAYBE_BLOCK).test(line);
  }

  #isDropped(line: string): boolean {
    if (this.#fence) return this.#closesFence(line);
    const text = line.replace(QUOTE, "");
    this.#fence = OPENING_FENCE.exec(text)?.[1] ?? "";
    const isRule = RULE.test(text);
    const isDropped =
      this.#fence !== "" || isRule || TABLE_RULE.test(text) || (this.#isAfterRule && text.trim() === "");
    this.#isAfterRule = isRule;
    return isDropped;
  }

  #closesFence(line: string): boolean {
    const fence = CLOSING_FENCE.exec(line)?.[1] ?? "";
    if (!fence.startsWith(this.#fence)) return false;
    this.#fence = "";
    return true;
  }

  /** Takes the marker off a line and returns what it becomes. */
  #readMarker(line: string, isWhole: boolean): string {
    this.#line = new LineFilter();
    const quote = QUOTE.exec(line)?.[0] ?? "";
    const row = isWhole ? TABLE_ROW.exec(line.slice(quote.length))?.[1] : undefined;
    if (row !== undefined) {
      this.#rest = row.trim().replace(CELL_BORDER, " | ") + this.#rest.slice(line.length);
      return "";
    }
    const [marker = "", indent = "", bullet] = MARKER.exec(line.slice(quote.length)) ?? [];
    this.#rest = this.#rest.slice(quote.length + marker.length);
    return bullet ? `${indent}- ` : indent;
  }
}

const MAYBE_FENCE = /^[ \t>]*[`~]*[ \t\r]*$/;
const MAYBE_BLOCK = /^[ \t>]*(?:[-+*_=|:~`#\s]*|\|.*|`{3,}[^`]*|~{3,}.*)$/s;
const QUOTE = /^(?:[ \t]*>(?:[ \t]|(?=[>\r]|$)))*/;
const MARKER = /^([ \t]*)(?:#{1,6}[ \t]+|([-*+])[ \t]+)?/;
const RULE = /^[ \t]*(?:([-*_])(?:[ \t]*\1){2,}|={3,})[ \t\r]*$/;
const OPENING_FENCE = /^[ \t]*(`{3,}(?=[^`]*$)|~{3,})/;
const CLOSING_FENCE = /^[ \t>]*(`{3,}|~{3,})[ \t\r]*$/;
const TABLE_RULE = /^(?=.*--)(?=.*\|)[-|:\s]+$/s;
const TABLE_ROW = /^[ \t]*\|(?!\|)(.*)\|[ \t\r]*$/s;
const CELL_BORDER = /[ \t]*(?<!\\)\|[ \t]*/g;
