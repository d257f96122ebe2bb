import { lexer, type Token, type Tokens } from "marked";

/** A piece of text and how it looks. */
export type Run = {
  text: string;
  bold?: boolean;
  italic?: boolean;
  strike?: boolean;
  code?: boolean;
  href?: string;
};

/** A paragraph, or what stands like one. `pre` is shown as it is, its value being the language where one is named. */
export type Block = { runs: Run[]; pre?: string; quote?: boolean };

type Style = Omit<Run, "text">;

/** Reads what a model writes as Markdown. Whatever it is, something readable comes of it: it never throws. */
export function richText(markdown: string): Block[] {
  try {
    return blocksOf(lexer(markdown), {}).filter(({ runs }) => runs.some(({ text }) => text.trim() !== ""));
  } catch {
    return plainBlocks(markdown);
  }
}

export const plainBlocks = (text: string): Block[] => (text.trim() ? [{ runs: [{ text: text.trim() }] }] : []);

const blocksOf = (tokens: Token[], style: Style): Block[] => tokens.flatMap((token) => blockOf(token, style));

function blockOf(token: Token, style: Style): Block[] {
  switch (token.type) {
    case "space":
      return [];
    case "def":
      return [{ runs: [{ text: token.raw.trim() }] }];
    case "code":
      return [codeBlock(token as Tokens.Code)];
    case "heading":
      return [{ runs: runsOf((token as Tokens.Heading).tokens, { ...style, bold: true }) }];
    case "blockquote":
      return blocksOf((token as Tokens.Blockquote).tokens, style).map((block) => ({ ...block, quote: true }));
    case "list":
      return [{ runs: listRuns(token as Tokens.List, style, "") }];
    case "table":
      return [tableBlock(token as Tokens.Table)];
    case "hr":
      return [{ runs: [{ text: "———" }] }];
    default:
      return [{ runs: trimmed(runsOf([token], style)) }];
  }
}

/** What follows the fence is the language, or else the first line of what somebody meant to quote. */
function codeBlock({ lang = "", text }: Tokens.Code): Block {
  if (/^[\w+#.-]{0,30}$/.test(lang)) return { runs: [{ text }], pre: lang };
  return { runs: [{ text: `${lang}\n${text}` }], pre: "" };
}

function listRuns(list: Tokens.List, style: Style, indent: string): Run[] {
  return list.items.flatMap((item, index) => {
    const bullet = list.ordered ? `${(list.start || 1) + index}. ` : "• ";
    const box = item.task ? (item.checked ? "☑ " : "☐ ") : "";
    const start = { text: `${index === 0 && indent === "" ? "" : "\n"}${indent}${item.task ? box : bullet}` };
    return [start, ...itemRuns(item, style, `${indent}   `)];
  });
}

function itemRuns(item: Tokens.ListItem, style: Style, indent: string): Run[] {
  return item.tokens.flatMap((token, index): Run[] => {
    if (token.type === "checkbox" || token.type === "space") return [];
    if (token.type === "list") return listRuns(token as Tokens.List, style, indent);
    if (token.type === "code") return [{ text: "\n" }, { text: (token as Tokens.Code).text, code: true }];
    if (token.type === "text") return inlineRuns(token, style);
    const runs = blockOf(token, style).flatMap((block) => block.runs);
    return index === 0 ? runs : [{ text: `\n${indent}` }, ...runs];
  });
}

/** A table has no counterpart in a messenger: its cells are set in columns of equal width. */
function tableBlock({ header, rows }: Tokens.Table): Block {
  const lines = [header, ...rows].map((row) =>
    row.map(({ tokens }) => textOf(runsOf(tokens, {})).replace(/\s+/g, " ")),
  );
  const widths = header.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  const text = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  text.splice(1, 0, widths.map((width) => "-".repeat(Math.max(width, 1))).join("  "));
  return { runs: [{ text: text.join("\n") }], pre: "" };
}

const runsOf = (tokens: Token[], style: Style): Run[] => tokens.flatMap((token) => inlineRuns(token, style));

function inlineRuns(token: Token, style: Style): Run[] {
  switch (token.type) {
    case "strong":
      return runsOf((token as Tokens.Strong).tokens, { ...style, bold: true });
    case "em":
      return runsOf((token as Tokens.Em).tokens, { ...style, italic: true });
    case "del":
      return runsOf((token as Tokens.Del).tokens, { ...style, strike: true });
    case "codespan":
      return [{ ...style, text: (token as Tokens.Codespan).text, code: true }];
    case "br":
      return [{ text: "\n" }];
    case "link":
      return runsOf((token as Tokens.Link).tokens, linked(style, (token as Tokens.Link).href));
    case "image": {
      const { text, href } = token as Tokens.Image;
      return [{ ...linked(style, href), text: text || href }];
    }
    case "escape":
      return [{ ...style, text: (token as Tokens.Escape).text }];
    case "html":
      return [{ ...style, text: /^<br\s*\/?>\s*$/i.test(token.raw) ? "\n" : token.raw }];
    default:
      return childRuns(token, style);
  }
}

function childRuns(token: Token, style: Style): Run[] {
  const { tokens, text } = token as { tokens?: Token[]; text?: string };
  if (tokens) return runsOf(tokens, style);
  return [{ ...style, text: decoded(text ?? token.raw) }];
}

/** A link within a link stays the outer one; what no messenger opens is just text. */
const linked = (style: Style, href: string): Style =>
  !style.href && /^(https?:\/\/|tg:\/\/|mailto:|tel:[+\d-]+$)/i.test(href)
    ? { ...style, href: href.replace(/[\s"<>]/g, encodeURIComponent) }
    : style;

const ENTITIES: Record<string, string> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  "#39": "'",
  nbsp: "\u00a0",
};
const decoded = (text: string) =>
  text.replace(/&(amp|lt|gt|quot|apos|#39|nbsp);/g, (_, name: string) => ENTITIES[name]!);

const textOf = (runs: Run[]) => runs.map(({ text }) => text).join("");

function trimmed(runs: Run[]): Run[] {
  const last = runs.at(-1);
  return last ? [...runs.slice(0, -1), { ...last, text: last.text.trimEnd() }] : runs;
}

/** What is left without any markup; where a link says something else than where it leads, it says that too. */
export const plainText = (blocks: Block[]) => blocks.map(({ runs }) => runs.map(plainRun).join("")).join("\n\n");

export const plainRun = ({ text, href }: Run) =>
  href && !sameAddress(text, href) ? `${text} (${href.replace(/^(mailto|tel):/, "")})` : text;

const sameAddress = (text: string, href: string) =>
  href.replace(/\/$/, "").endsWith(text.trim().replace(/\/$/, "")) && text.trim() !== "";
