import type { Block } from "../blocks.ts";
import { BlockWriter } from "./block-writer.ts";
import { Grid } from "./grid.ts";
import { type Attributes, type MarkupReader, readMarkup } from "./markup.ts";

const words = (list: string) => new Set(list.split(" "));

const UNSEEN = words(
  "script style noscript template svg select button textarea iframe object audio video canvas dialog",
);
const BOILERPLATE = words("nav aside menu");
const BOILERPLATE_ROLES = words("navigation banner contentinfo search complementary menu menubar toolbar dialog");
const BREAKS = words(
  "address article aside blockquote body dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr li main nav ol p pre section summary table tbody tfoot thead tr ul",
);
const VOID = words("img input br hr meta link");
/** Names that generators of documentation give to rows of links. */
const BOILERPLATE_CLASS =
  /(?:^|\s)(?:nav|navbar|navheader|navfooter|breadcrumbs?|sphinxsidebar|sidebar|toolbar)(?:\s|$)/i;
/** What the main part must hold to be taken for the whole page. */
const ENOUGH_CHARACTERS = 300;

const headingLevel = (tag: string) => (/^h[1-6]$/.test(tag) ? Number(tag[1]) : null);
const span = (attributes: Attributes, name: string) => Number(attributes.get(name) ?? 1);
const size = (blocks: Block[]) => blocks.reduce((sum, block) => sum + block.text.length, 0);

/** Turns the tags of a page into blocks. Missing end tags are what it expects: whatever begins next ends what was open. */
class HtmlReader implements MarkupReader {
  readonly writer = new BlockWriter();
  readonly mainRanges: [number, number][] = [];
  title = "";
  readonly #dropsBoilerplate: boolean;
  #text = "";
  #heading: number | null = null;
  #lists = 0;
  #isItem = false;
  #code = 0;
  #main = 0;
  #isTitle = false;
  #grids: (Grid | null)[] = [];
  #unseen: { tag: string; depth: number } | null = null;

  constructor(dropsBoilerplate: boolean) {
    this.#dropsBoilerplate = dropsBoilerplate;
  }

  get #grid(): Grid | null {
    return this.#grids.at(-1) ?? null;
  }

  open(tag: string, attributes: Attributes): void {
    if (this.#unseen) {
      if (this.#unseen.tag === tag) this.#unseen.depth++;
      return;
    }
    if (this.#isDropped(tag, attributes)) this.#unseen = { tag, depth: 1 };
    else if (tag === "title") this.#isTitle = true;
    else this.#begin(tag, attributes);
  }

  close(tag: string): void {
    if (this.#unseen) {
      if (this.#unseen.tag === tag && --this.#unseen.depth === 0) this.#unseen = null;
    } else if (tag === "title") this.#isTitle = false;
    else this.#end(tag);
  }

  text(text: string): void {
    if (this.#unseen) return;
    if (this.#isTitle) this.title += text;
    else this.#append(this.#code ? text : text.replace(/\s+/g, " "));
  }

  finish(): void {
    while (this.#grids.length > 0) this.#closeTable();
    this.#flush();
    if (this.#main > 0) this.mainRanges.at(-1)![1] = this.writer.blocks.length;
  }

  #isDropped(tag: string, attributes: Attributes): boolean {
    if (UNSEEN.has(tag)) return true;
    if (VOID.has(tag) || tag === "body" || tag === "html" || tag === "main") return false;
    if (attributes.get("hidden") !== null || attributes.get("aria-hidden") === "true") return true;
    if (!this.#dropsBoilerplate) return false;
    return (
      BOILERPLATE.has(tag) ||
      (tag === "footer" && this.#main === 0) ||
      BOILERPLATE_ROLES.has(attributes.get("role")?.toLowerCase() ?? "") ||
      BOILERPLATE_CLASS.test(attributes.get("class") ?? "")
    );
  }

  #append(text: string): void {
    if (this.#grid?.isOpen) this.#grid.text += text;
    else if (!this.#grid) this.#text += text;
    else if (text.trim()) this.writer.paragraph(text);
  }

  #begin(tag: string, attributes: Attributes): void {
    if (tag === "br") return this.#append("\n");
    if (tag === "img") return this.#append(` ${attributes.get("alt") ?? ""} `);
    if (tag === "main" || tag === "article") this.#openMain();
    if (tag === "table") return this.#openTable();
    if (headingLevel(tag)) this.#leaveTables();
    if (this.#grid) return this.#beginInTable(tag, attributes);
    if (tag === "dd" && this.#isItem && this.#text.trim()) return this.#append(": ");
    if (BREAKS.has(tag)) this.#break(tag);
    if (tag === "ul" || tag === "ol") this.#lists++;
    if (tag === "li" || tag === "dt" || tag === "dd") this.#isItem = true;
    if (tag === "pre") this.#code++;
    this.#heading = headingLevel(tag) ?? this.#heading;
  }

  #end(tag: string): void {
    if (tag === "table") return this.#closeTable();
    if (this.#grid) return this.#endInTable(tag);
    if (tag === "dt") return;
    if (BREAKS.has(tag)) this.#break(tag);
    if (tag === "pre") this.#code = Math.max(0, this.#code - 1);
    if (tag === "ul" || tag === "ol") this.#lists = Math.max(0, this.#lists - 1);
    if (tag === "li" || tag === "dd" || tag === "dl") this.#isItem = false;
    if (tag === "main" || tag === "article") this.#closeMain();
  }

  /** Within an item of a list, and within code, a paragraph is no more than a new line. */
  #break(tag: string): void {
    const goesOn = this.#code > 0 ? tag !== "pre" : this.#isItem && (tag === "p" || tag === "div");
    if (!goesOn) this.#flush();
    else if (this.#text.trim() && !this.#text.endsWith("\n")) this.#text += "\n";
  }

  #flush(): void {
    const [text, heading] = [this.#text, this.#heading];
    this.#text = "";
    this.#heading = null;
    if (!text.trim()) return;
    if (this.#code) this.writer.code(text);
    else if (heading) this.writer.heading(heading, text.replace(/\s*[¶#🔗]\s*$/u, ""));
    else if (this.#isItem) this.writer.listItem(Math.max(0, this.#lists - 1), text);
    else this.writer.paragraph(text);
  }

  #openMain(): void {
    this.#flush();
    if (this.#main++ === 0) this.mainRanges.push([this.writer.blocks.length, this.writer.blocks.length]);
  }

  #closeMain(): void {
    if (this.#main > 0 && --this.#main === 0) this.mainRanges.at(-1)![1] = this.writer.blocks.length;
  }

  /** A table within a table says that the outer one only lays out the page. */
  #openTable(): void {
    this.#leaveTables();
    this.#flush();
    this.#grids.push(new Grid());
  }

  #leaveTables(): void {
    const grid = this.#grid;
    if (!grid) return;
    grid.closeCell();
    for (const row of grid.rows) for (const text of row) this.writer.paragraph(text);
    this.#grids[this.#grids.length - 1] = null;
  }

  #closeTable(): void {
    if (this.#grids.length === 0) return;
    const grid = this.#grids.pop();
    if (!grid) return this.#flush();
    grid.closeCell();
    if (grid.rows.some((row) => row.filter((text) => text.trim()).length > 1)) {
      this.writer.table(grid.rows, grid.hasHeader);
    } else for (const row of grid.rows) this.writer.paragraph(row.join(" "));
  }

  #beginInTable(tag: string, attributes: Attributes): void {
    const grid = this.#grid!;
    if (tag === "tr") grid.openRow();
    else if (tag === "td" || tag === "th")
      grid.openCell({
        isHeader: tag === "th",
        columns: span(attributes, "colspan"),
        rows: span(attributes, "rowspan"),
      });
    else if (BREAKS.has(tag)) this.#append(" ");
  }

  #endInTable(tag: string): void {
    if (tag === "td" || tag === "th" || tag === "tr") this.#grid!.closeCell();
    else if (BREAKS.has(tag)) this.#append(" ");
  }
}

function read(source: string, dropsBoilerplate: boolean): HtmlReader {
  const reader = new HtmlReader(dropsBoilerplate);
  readMarkup(source, "html", reader);
  reader.finish();
  return reader;
}

/** The page's own text: without navigation, and only of its main part if it says which that is. */
export function readHtml(source: string): Block[] {
  let reader = read(source, true);
  if (reader.writer.blocks.length === 0) reader = read(source, false);
  const all = reader.writer.blocks;
  const main = reader.mainRanges.flatMap(([from, to]) => all.slice(from, to));
  const blocks = size(main) >= Math.min(ENOUGH_CHARACTERS, size(all) * 0.3) && main.length > 0 ? main : all;
  if (reader.title.trim() && !blocks.some((block) => block.kind === "heading" && block.level === 1)) {
    const titled = new BlockWriter();
    titled.heading(1, reader.title);
    return [...titled.blocks, ...blocks];
  }
  return blocks;
}
