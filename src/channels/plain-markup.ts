import type { Markup } from "./pieces.ts";
import { plainRun, plainText, type Block, type Run } from "./rich-text.ts";

/** For vendors that show text as it is. */
export const plainMarkup = (limit: number): Markup => ({ limit, block: (block) => plainText([block]) });

type Marks = {
  bold: (text: string) => string;
  italic: (text: string) => string;
  strike: (text: string) => string;
  code: (text: string) => string;
  pre: (text: string) => string;
  quote: (text: string) => string;
  link?: (text: string, href: string) => string;
};

/** For vendors with marks of their own around the words. */
export function markedMarkup(limit: number, marks: Marks): Markup {
  const markRun = (run: Run): string => {
    const [, before = "", text = "", after = ""] = /^(\s*)(.*?)(\s*)$/s.exec(run.text) ?? [];
    if (text === "") return run.text;
    return before + markWords({ ...run, text }) + after;
  };
  const markWords = (run: Run): string => {
    if (run.code) return marks.code(run.text);
    let marked = run.href && !marks.link ? plainRun(run) : run.text;
    if (run.strike) marked = marks.strike(marked);
    if (run.italic) marked = marks.italic(marked);
    if (run.bold) marked = marks.bold(marked);
    return run.href && marks.link ? marks.link(marked, run.href) : marked;
  };
  const block = ({ runs, pre, quote }: Block): string => {
    if (pre !== undefined) return marks.pre(runs.map(({ text }) => text).join(""));
    const marked = runs.map(markRun).join("");
    return quote ? marks.quote(marked) : marked;
  };
  return { limit, block };
}
