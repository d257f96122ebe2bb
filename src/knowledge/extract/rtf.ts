import type { Block } from "../blocks.ts";
import { BlockWriter } from "./block-writer.ts";

const TOKEN = /\\([a-z]+)(-?\d{1,9})? ?|\\'([\da-f]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)/gi;
const UNREAD = new Set(
  "fonttbl colortbl stylesheet info pict object header headerl headerr headerf footer footerl footerr footerf themedata datastore generator listtable listoverridetable rsidtbl xmlnstbl fldinst".split(
    " ",
  ),
);
const SIGNS: Record<string, string> = {
  tab: " ",
  line: "\n",
  emdash: "—",
  endash: "–",
  bullet: "•",
  lquote: "‘",
  rquote: "’",
  ldblquote: "“",
  rdblquote: "”",
};
/** What a font's number of a character set means. */
const CHARSETS: Record<number, string> = {
  128: "shift_jis",
  129: "euc-kr",
  134: "gbk",
  136: "big5",
  161: "windows-1253",
  162: "windows-1254",
  177: "windows-1255",
  178: "windows-1256",
  186: "windows-1257",
  204: "windows-1251",
  238: "windows-1250",
};
const MAX_DEPTH = 1000;

type State = { isRead: boolean; isFonts: boolean; font: number; fallback: number };

function decoderOf(encoding: string): TextDecoder {
  try {
    return new TextDecoder(encoding);
  } catch {
    return new TextDecoder("windows-1252");
  }
}

class RtfReader {
  readonly writer = new BlockWriter();
  readonly #fonts = new Map<number, string>();
  readonly #states: State[] = [{ isRead: true, isFonts: false, font: 0, fallback: 1 }];
  #encoding = "windows-1252";
  #text = "";
  #bytes: number[] = [];
  #skip = 0;
  #level: number | null = null;
  #rows: string[][] = [];
  #row: string[] = [];
  #isInTable = false;

  read(source: string): Block[] {
    for (const [, word, number, hex, sign, brace, text] of source.matchAll(TOKEN)) {
      if (hex) this.#byte(Number.parseInt(hex, 16));
      else if (word) this.#word(word, number === undefined ? null : Number(number));
      else if (sign) this.#sign(sign);
      else if (brace) this.#brace(brace);
      else if (text) this.#append(text);
    }
    this.#isInTable = false;
    this.#endParagraph();
    return this.writer.blocks;
  }

  get #state(): State {
    return this.#states.at(-1)!;
  }

  /** Text after a sign of Unicode repeats it for programs that know none. */
  #append(text: string): void {
    this.#flushBytes();
    const kept = text.slice(this.#skip);
    this.#skip = Math.max(0, this.#skip - text.length);
    if (this.#state.isRead) this.#text += kept;
  }

  #byte(byte: number): void {
    if (this.#skip > 0) this.#skip--;
    else this.#bytes.push(byte);
  }

  #flushBytes(): void {
    if (this.#bytes.length === 0) return;
    const bytes = Uint8Array.from(this.#bytes.splice(0));
    this.#append(decoderOf(this.#fonts.get(this.#state.font) ?? this.#encoding).decode(bytes));
  }

  #brace(brace: string): void {
    this.#flushBytes();
    this.#skip = 0;
    if (brace === "{" && this.#states.length < MAX_DEPTH) this.#states.push({ ...this.#state });
    else if (brace === "}" && this.#states.length > 1) this.#states.pop();
  }

  #sign(sign: string): void {
    if (sign === "*") this.#state.isRead = false;
    else if (sign === "~") this.#append(" ");
    else if (sign === "_") this.#append("-");
    else if ("\\{}".includes(sign)) this.#append(sign);
  }

  #word(word: string, number: number | null): void {
    this.#flushBytes();
    const state = this.#state;
    if (UNREAD.has(word)) Object.assign(state, { isRead: false, isFonts: word === "fonttbl" });
    else if (word === "f") state.font = number ?? 0;
    else if (word === "fcharset" && state.isFonts && CHARSETS[number ?? 0])
      this.#fonts.set(state.font, CHARSETS[number!]!);
    else if (word === "ansicpg") this.#encoding = `windows-${number}`;
    else if (word === "uc") state.fallback = number ?? 1;
    else if (word === "u") this.#unicode(number ?? 0);
    else if (word in SIGNS) this.#append(SIGNS[word]!);
    else if (state.isRead) this.#layout(word, number);
  }

  #unicode(code: number): void {
    this.#skip = 0;
    this.#append(String.fromCharCode((code + 65_536) % 65_536));
    this.#skip = this.#state.fallback;
  }

  #layout(word: string, number: number | null): void {
    if (word === "par" || word === "page" || word === "sect") this.#endParagraph();
    else if (word === "pard") [this.#level, this.#isInTable] = [null, false];
    else if (word === "outlinelevel" && number !== null && number < 9) this.#level = number + 1;
    else if (word === "intbl") this.#isInTable = true;
    else if (word === "cell" || word === "nestcell") this.#row.push(this.#take());
    else if (word === "row") this.#rows.push(this.#row.splice(0));
  }

  #take(): string {
    this.#flushBytes();
    const text = this.#text;
    this.#text = "";
    return text;
  }

  #endParagraph(): void {
    if (this.#isInTable) return this.#append(" ");
    const text = this.#take();
    this.#endTable();
    if (this.#level) this.writer.heading(this.#level, text);
    else this.writer.paragraph(text);
  }

  #endTable(): void {
    const rows = this.#rows.splice(0);
    if (rows.length > 0) this.writer.table(rows);
  }
}

/** Every byte of the file is a sign; others are written as their numbers. */
export const readRtf = (bytes: Uint8Array): Block[] =>
  new RtfReader().read(new TextDecoder("windows-1252").decode(bytes));
