/** A construct that is not complete after so many characters is no Markdown: more of it is not held back. */
export const LIMIT = 1000;

type Piece = { text: string };
/** A marker that disappears when its partner comes, and else stays. */
type Opener = { marker: string; count: number; piece: Piece; position: number };

/**
 * Turns the text of one line into plain text: emphasis, code, links and escapes. What comes after a marker waits for its
 * partner; without one the marker is text.
 */
export class LineFilter {
  #rest = "";
  #position = 0;
  #previous = "";
  #isInUrl = false;
  #pieces: Piece[] = [];
  #openers: Opener[] = [];

  push(text: string): string {
    this.#rest += text;
    this.#read(false);
    return this.#release();
  }

  end(): string {
    this.#read(true);
    this.#openers = [];
    return this.#release();
  }

  #release(): string {
    const held = this.#openers[0]?.piece;
    const end = held ? this.#pieces.indexOf(held) : this.#pieces.length;
    const released = textOf(this.#pieces.slice(0, end));
    if (end > 0) this.#pieces = this.#pieces.slice(end);
    return released;
  }

  #read(isEnd: boolean): void {
    while (this.#rest !== "") {
      const length = this.#step(isEnd);
      if (length === 0) return;
      this.#previous = this.#rest[length - 1] ?? "";
      this.#rest = this.#rest.slice(length);
      this.#position += length;
      while (this.#openers[0] && this.#position - this.#openers[0].position > LIMIT) this.#openers.shift();
    }
  }

  /** Reads one token and returns its length, 0 where more text is needed to understand it. */
  #step(isEnd: boolean): number {
    const plain = /^[^\\`*_~[\]!:]+/.exec(this.#rest)?.[0];
    if (plain !== undefined) return this.#readPlain(plain);
    const [first = "", second = ""] = this.#rest.slice(0, 2);
    if (second === "" && !isEnd) return 0;
    if (first === "`") return this.#readCode(isEnd);
    if (first === "]") return this.#readBracket(isEnd);
    if (first === "[") return this.#open("[", 1);
    if (first === "!" && second === "[") return this.#open("![", 1);
    if (first === ":") return this.#readColon(isEnd);
    if (first === "\\" && /[!-/:-@[-`{-~]/.test(second)) return this.#show(second, 2);
    return /[*_~]/.test(first) ? this.#readMarkers(isEnd) : this.#show(first);
  }

  #show(text: string, length = text.length): number {
    this.#pieces.push({ text });
    return length;
  }

  #open(marker: string, count: number): number {
    const piece = { text: marker.repeat(count) };
    this.#pieces.push(piece);
    this.#openers.push({ marker, count, piece, position: this.#position });
    return piece.text.length;
  }

  #readPlain(text: string): number {
    if (/\s/.test(text)) this.#isInUrl = false;
    return this.#show(text);
  }

  #readColon(isEnd: boolean): number {
    if (this.#rest === ":/" && !isEnd) return 0;
    this.#isInUrl ||= this.#rest.startsWith("://");
    return this.#show(":");
  }

  #readCode(isEnd: boolean): number {
    const window = this.#rest.slice(0, LIMIT);
    const fence = /^`+/.exec(window)?.[0] ?? "";
    const end = closingFence(window, fence, isEnd && window === this.#rest);
    if (end === undefined) return isEnd || window.length === LIMIT ? this.#show(fence) : 0;
    return this.#show(window.slice(fence.length, end).replace(/^ (.*[^ ].*) $/s, "$1"), end + fence.length);
  }

  #readMarkers(isEnd: boolean): number {
    const [run = "", marker = ""] = /^([*_~])\1{0,3}/.exec(this.#rest) ?? [];
    if (run.length === this.#rest.length && !isEnd) return 0;
    const isMarkup = marker === "~" ? run.length === 2 : run.length < 4;
    if (!isMarkup || this.#previous === marker) return this.#show(run);
    const next = this.#rest[run.length] ?? "";
    const left = this.#canClose(run, next) ? this.#close(marker, run.length) : run.length;
    if (left > 0 && this.#canOpen(run, next)) this.#open(marker, left);
    else this.#show(marker.repeat(left));
    return run.length;
  }

  // Stricter than CommonMark, so that `2*3*4`, `x**2`, `(a)*(b)*(c)`, `src/**/a` and `snake_case` stay as they are.
  #canOpen(run: string, next: string): boolean {
    if (this.#isInUrl || !/\S/.test(next) || (run.length === 1 && /[.,;:!?)\]}/]/.test(next))) return false;
    return !/[/)\]}%@#\p{Sc}]/u.test(this.#previous) && !isWord(run, this.#previous);
  }

  #canClose(run: string, next: string): boolean {
    if (!/[^\s([{«“]/.test(this.#previous) || /[/\d]/.test(next)) return false;
    const mayTouchWord = run.length > 1 && !run.startsWith("_") && !this.#isInUrl;
    return mayTouchWord || !isWord(run, next);
  }

  /** Pairs a run of markers with the openers before it and returns how many found no partner. */
  #close(marker: string, count: number): number {
    const index = this.#openers.findLastIndex(
      (opener) => opener.marker === marker && (opener.count === count || opener.count === 3 || count === 3),
    );
    const opener = this.#openers[index];
    if (!opener) return count;
    const paired = Math.min(count, opener.count);
    opener.count -= paired;
    opener.piece.text = marker.repeat(opener.count);
    this.#openers.length = opener.count > 0 ? index + 1 : index;
    return paired < count ? this.#close(marker, count - paired) : 0;
  }

  #readBracket(isEnd: boolean): number {
    const index = this.#openers.findLastIndex(({ marker }) => marker.endsWith("["));
    const opener = this.#openers[index];
    if (!opener) return this.#show("]");
    const window = this.#rest.slice(0, LIMIT);
    const [target, url = ""] = LINK_TARGET.exec(window) ?? [];
    if (target !== undefined) {
      this.#openers.length = index;
      return this.#closeLink(opener, url) + target.length;
    }
    if (window.startsWith("](") && !isEnd && window.length < LIMIT) return 0;
    this.#openers.splice(index, 1);
    return this.#show("]");
  }

  #closeLink({ marker, piece }: Opener, url: string): number {
    piece.text = "";
    const text = textOf(this.#pieces.slice(this.#pieces.indexOf(piece)));
    return this.#show(marker === "[" ? linkSuffix(text, url) : "", 0);
  }
}

const textOf = (pieces: Piece[]) => pieces.map(({ text }) => text).join("");

/** Letters of scripts without case (\p{Lo}) may touch `*`: Chinese and Thai have no spaces there. */
const isWord = (run: string, character: string) =>
  (run.startsWith("_") ? /[\p{L}\p{N}]/u : /[\p{Lu}\p{Ll}\p{Lt}\p{Lm}\p{N}]/u).test(character);

/** Where the backticks are that close a code span; those at the end of a text that goes on do not count yet. */
function closingFence(text: string, fence: string, isWhole: boolean): number | undefined {
  for (const { 0: ticks, index } of text.slice(fence.length).matchAll(/`+/g)) {
    const start = fence.length + index;
    if (ticks === fence && (isWhole || start + ticks.length < text.length)) return start;
  }
  return undefined;
}

/** `](url)` or `](url "title")`; a target without any of `.:/#` is rather an index and a call. */
const LINK_TARGET = /^\]\((?=[^\s)]*[.:/#]|\s*\)) *<?((?:[^\s()<>]|\([^\s()]*\))*)>?(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/;

function linkSuffix(text: string, url: string): string {
  if (text === "") return url;
  return url === "" || url.startsWith("#") || bareUrl(url) === bareUrl(text) ? "" : ` (${url})`;
}

const bareUrl = (url: string) => url.replace(/^(?:https?:\/\/|mailto:|tel:)(?:www\.)?/, "").replace(/\/$/, "");
