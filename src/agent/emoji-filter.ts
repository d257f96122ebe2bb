/**
 * Removes emoji from a stream of whole characters, and the space that would be left over. Symbols that are text unless
 * they are marked as emoji (©, ™, ☀) stay when they are not marked.
 */
export class EmojiFilter {
  #rest = "";
  /** The last characters shown, to see where no space belongs. */
  #shown = "";
  /** Spaces before what comes next: an emoji may swallow them. */
  #gap = "";
  #removed: "nothing" | "emoji" | "emoji and space" = "nothing";

  push(text: string): string {
    this.#rest += text;
    return this.#read(this.#rest.length - this.#rest.search(UNDECIDED));
  }

  end(): string {
    const shown = this.#read(0);
    return this.#removed === "nothing" ? shown + this.#gap : shown;
  }

  /** Reads what is there; the last `undecided` characters are only looked at. */
  #read(undecided: number): string {
    let shown = "";
    while (this.#rest.length > undecided) {
      const emoji = EMOJI.exec(this.#rest) ?? (this.#removed === "emoji" ? JOINED.exec(this.#rest) : null);
      const [token] = emoji ?? SPACE.exec(this.#rest) ?? TEXT.exec(this.#rest) ?? [this.#rest];
      this.#rest = this.#rest.slice(token.length);
      if (emoji) this.#removed = "emoji";
      else if (SPACE.test(token)) this.#addSpace(token);
      else shown += this.#show(token);
    }
    return shown;
  }

  #addSpace(space: string): void {
    if (this.#removed === "nothing") {
      this.#gap += space;
      return;
    }
    if (!OPENING.test(this.#shown)) this.#gap ||= space[0] ?? "";
    this.#removed = "emoji and space";
  }

  #show(text: string): string {
    const dropsGap =
      this.#removed !== "nothing" && (/^[\r\n]/.test(text) || (this.#removed === "emoji" && CLOSING.test(text)));
    const shown = dropsGap ? text : this.#gap + text;
    this.#shown = (this.#shown + shown).slice(-8);
    this.#gap = "";
    this.#removed = "nothing";
    return shown;
  }
}

const EMOJI =
  /^(?:\p{Emoji_Presentation}|[0-9#*]\uFE0F?\u20E3|[\uFE0F\u{E0020}-\u{E007F}]|\p{Extended_Pictographic}(?=\uFE0F|\p{Emoji_Modifier}|\u200D\p{Extended_Pictographic}))/v;
/** What continues an emoji; elsewhere a joiner belongs to the script, as in Sinhala. */
const JOINED = /^(?:\uFE0E|\u200D\p{Extended_Pictographic}?)/v;
const SPACE = /^[ \t]+/;
const TEXT =
  /^(?:[^\s0-9#*\p{Join_Control}\p{Variation_Selector}\u{E0020}-\u{E007F}\p{Emoji_Presentation}\p{Extended_Pictographic}]+|[^])/v;

/** The end of a piece that may be the beginning of an emoji: three characters at most. */
const UNDECIDED = /(?:[0-9#*]\uFE0F?|[\p{Extended_Pictographic}--\p{Emoji_Presentation}]?\u200D?)$/v;

/** Where no space belongs: after these, or before them. */
const OPENING = /(?:^|[\s([{«“])[*_~]*$/;
const CLOSING = /^[.,;:!?)\]}»”*_~]/;
