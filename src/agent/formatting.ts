import { EmojiFilter } from "./emoji-filter.ts";
import { MarkdownFilter } from "./markdown-filter.ts";

/**
 * Takes pieces of an answer as they stream in and gives back what may be shown; `end()` gives what was held back. What is
 * shown in sum does not depend on where the pieces were cut.
 */
export interface TextFilter {
  push(text: string): string;
  end(): string;
}

export function textFilter(formatting: { removeEmojis: boolean; removeMarkdown: boolean }): TextFilter {
  const filters: TextFilter[] = [];
  if (formatting.removeMarkdown) filters.push(new MarkdownFilter());
  if (formatting.removeEmojis) filters.push(new EmojiFilter());
  return filters.length === 0 ? passThrough : chain([new WholeCharacters(), ...filters]);
}

const passThrough: TextFilter = { push: (text) => text, end: () => "" };

const chain = (filters: TextFilter[]): TextFilter => ({
  push: (text) => filters.reduce((passed, filter) => filter.push(passed), text),
  end: () => filters.reduce((passed, filter) => filter.push(passed) + filter.end(), ""),
});

/** Joins a surrogate pair that was cut, and replaces a half that stays alone: the filters after it see whole characters. */
class WholeCharacters implements TextFilter {
  #half = "";

  push(text: string): string {
    const joined = this.#half + text;
    this.#half = /[\uD800-\uDBFF]$/.exec(joined)?.[0] ?? "";
    return joined.slice(0, joined.length - this.#half.length).toWellFormed();
  }

  end(): string {
    return this.#half.toWellFormed();
  }
}
