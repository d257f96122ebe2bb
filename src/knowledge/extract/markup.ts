import { decodeEntities } from "./entities.ts";

/** What a reader of HTML or XML is told, in the order of the source. */
export type MarkupReader = {
  open(tag: string, attributes: Attributes): void;
  close(tag: string): void;
  text(text: string): void;
};

/** The attributes of one tag, read only when one is asked for. */
export class Attributes {
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  get(name: string): string | null {
    for (const [, key, double, single, bare] of this.#source.matchAll(ATTRIBUTE))
      if (key === name || (key!.length === name.length && key!.toLowerCase() === name.toLowerCase()))
        return decodeEntities(double ?? single ?? bare ?? "");
    return null;
  }
}

const ATTRIBUTE = /([^\s=/"'<>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+)))?/g;

/** What HTML does not read tags in. */
const RAW_TEXT = new Set(["script", "style", "textarea", "title", "xmp", "noembed", "noframes", "iframe"]);
const VOID = new Set("area base br col embed hr img input link meta source track wbr".split(" "));

/** Where a tag ends: a `>` within quotes does not count. */
function endOfTag(source: string, from: number): number {
  for (let at = from; at < source.length; at++) {
    const sign = source[at];
    if (sign === ">") return at;
    if ((sign === '"' || sign === "'") && source[at - 1] === "=") {
      const end = source.indexOf(sign, at + 1);
      if (end < 0) return source.length;
      at = end;
    }
  }
  return source.length;
}

const after = (source: string, sign: string, from: number) => {
  const at = source.indexOf(sign, from);
  return at < 0 ? source.length : at + sign.length;
};

/** Past a comment, a declaration, or an instruction. A document type ends with its own list, and declares nothing here. */
function skipDeclaration(source: string, at: number): number {
  if (source.startsWith("<!--", at)) return after(source, "-->", at + 4);
  if (source.startsWith("<?", at)) return after(source, ">", at);
  const end = after(source, ">", at);
  const list = source.slice(at, end).indexOf("[");
  return list < 0 ? end : after(source, ">", after(source, "]", at + list));
}

/**
 * Tells a reader the tags and texts of a source, once, from left to right: time and memory grow with its length only.
 * Entities that the source itself declares stay unread, so that none can blow up. Tags are lowercase in HTML.
 */
export function readMarkup(source: string, language: "html" | "xml", reader: MarkupReader): void {
  const isHtml = language === "html";
  for (let at = 0; at < source.length;) {
    const open = source.indexOf("<", at);
    const end = open < 0 ? source.length : open;
    if (end > at) reader.text(decodeEntities(source.slice(at, end)));
    if (open < 0) return;
    at = readTag(source, open, isHtml, reader);
  }
}

function readTag(source: string, open: number, isHtml: boolean, reader: MarkupReader): number {
  if (source.startsWith("<![CDATA[", open)) {
    const end = after(source, "]]>", open);
    reader.text(source.slice(open + 9, end).replace(/\]\]>$/, ""));
    return end;
  }
  const next = source[open + 1] ?? "";
  if (next === "!" || next === "?") return skipDeclaration(source, open);
  if (!/[a-z/_]/i.test(next)) {
    reader.text("<");
    return open + 1;
  }
  const end = endOfTag(source, open + 1);
  const [, slash, name] = /^<(\/?)\s*([^\s/>]*)/.exec(source.slice(open, Math.min(end, open + 200)))!;
  const tag = isHtml ? name!.toLowerCase() : name!;
  if (slash) reader.close(tag);
  else {
    reader.open(tag, new Attributes(source.slice(open + 1 + name!.length, end)));
    if (source[end - 1] === "/" ? !isHtml || VOID.has(tag) : isHtml && VOID.has(tag)) reader.close(tag);
    else if (isHtml && RAW_TEXT.has(tag)) return readRawText(source, tag, end + 1, reader);
  }
  return end + 1;
}

function readRawText(source: string, tag: string, from: number, reader: MarkupReader): number {
  const closing = new RegExp(`</${tag}`, "gi");
  closing.lastIndex = from;
  const found = closing.exec(source)?.index ?? source.length;
  reader.text(decodeEntities(source.slice(from, found)));
  reader.close(tag);
  return after(source, ">", found);
}
