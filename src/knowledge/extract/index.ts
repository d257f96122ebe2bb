import { type Block, UnreadableDocument } from "../blocks.ts";
import { readCsv, separatorOf } from "./csv.ts";
import { decodeText } from "./decode-text.ts";
import { binaryFormat, isHtml, isMarkdown, isNamedCode, isNamedTable, UNREADABLE } from "./format.ts";
import { readHtml } from "./html.ts";
import { readJson, readJsonLines } from "./json.ts";
import { readMarkdown } from "./markdown.ts";
import { readPdf } from "./pdf.ts";
import { readCode, readPlainText } from "./plain-text.ts";

const UNKNOWN = "The file is of a kind that cannot be read. Text, Markdown, HTML, CSV, JSON and PDF can.";

function readText(text: string, filename: string): Block[] {
  const json = readJson(text) ?? readJsonLines(text);
  if (json) return json;
  if (isHtml(text) && !isNamedCode(filename)) return readHtml(text);
  if (isNamedCode(filename)) return readCode(text);
  const separator = separatorOf(text, isNamedTable(filename));
  if (separator) return readCsv(text, separator);
  return isMarkdown(text, filename) ? readMarkdown(text) : readPlainText(text);
}

async function readFile(bytes: Uint8Array, filename: string): Promise<Block[]> {
  const format = binaryFormat(bytes);
  if (format === "pdf") return readPdf(bytes);
  if (format) throw new UnreadableDocument(UNREADABLE[format] ?? UNKNOWN);
  const text = decodeText(bytes);
  if (text === null) throw new UnreadableDocument(UNKNOWN);
  return readText(text, filename);
}

/**
 * The text of a document, in its order. The format is told by the content; the name only settles what content leaves open,
 * such as whether a text is Markdown. Throws `UnreadableDocument` for what it cannot read, never anything else.
 */
export async function extractText(bytes: Uint8Array, filename: string): Promise<Block[]> {
  if (bytes.length === 0) throw new UnreadableDocument("The file is empty.");
  const blocks = await readFile(bytes, filename);
  if (blocks.length === 0) throw new UnreadableDocument("The file holds no text.");
  return blocks;
}
