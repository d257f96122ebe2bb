import { type Block, UnreadableDocument } from "../blocks.ts";
import { Archive } from "./archive.ts";
import { readCsv, separatorOf } from "./csv.ts";
import { decodeText } from "./decode-text.ts";
import { readDocx } from "./docx.ts";
import { binaryFormat, isHtml, isMarkdown, isNamedCode, isNamedTable, UNREADABLE } from "./format.ts";
import { readHtml } from "./html.ts";
import { readJson, readJsonLines } from "./json.ts";
import { readMarkdown } from "./markdown.ts";
import { readOdf } from "./odf.ts";
import { readPdf } from "./pdf.ts";
import { readCode, readPlainText } from "./plain-text.ts";
import { readPptx } from "./pptx.ts";
import { readRtf } from "./rtf.ts";
import { readXlsx } from "./xlsx.ts";

const UNKNOWN =
  "The file is of a kind that cannot be read. Text, Markdown, HTML, CSV, JSON, PDF, DOCX, PPTX, XLSX, OpenDocument and RTF can.";
const PROTECTED = "The file is protected by a password. Save it without one and add it again.";
const OLD = "The file is of an old kind (.doc, .xls, .ppt). Save it as DOCX, XLSX or PPTX, and add that.";

function readText(text: string, filename: string): Block[] {
  const json = readJson(text) ?? readJsonLines(text);
  if (json) return json;
  if (isHtml(text) && !isNamedCode(filename)) return readHtml(text);
  if (isNamedCode(filename)) return readCode(text);
  const separator = separatorOf(text, isNamedTable(filename));
  if (separator) return readCsv(text, separator);
  return isMarkdown(text, filename) ? readMarkdown(text) : readPlainText(text);
}

function readArchive(bytes: Uint8Array): Block[] {
  const archive = new Archive(bytes);
  if (archive.has("word/document.xml")) return readDocx(archive);
  if (archive.has("ppt/presentation.xml")) return readPptx(archive);
  if (archive.has("xl/workbook.xml")) return readXlsx(archive);
  if (!archive.has("content.xml")) throw new UnreadableDocument(UNREADABLE.archive);
  const manifest = archive.read(/^META-INF\/manifest\.xml$/).get("META-INF/manifest.xml");
  if (manifest?.includes("encryption-data")) throw new UnreadableDocument(PROTECTED);
  return readOdf(archive);
}

/** A protected new document lies within an old one. */
function reasonOfOld(bytes: Uint8Array): string {
  const isProtected = new TextDecoder("utf-16le")
    .decode(bytes.subarray(0, bytes.length & ~1))
    .includes("EncryptedPackage");
  return isProtected ? PROTECTED : OLD;
}

async function readFile(bytes: Uint8Array, filename: string): Promise<Block[]> {
  const format = binaryFormat(bytes);
  if (format === "pdf") return readPdf(bytes);
  if (format === "zip") return readArchive(bytes);
  if (format === "rtf") return readRtf(bytes);
  if (format === "ole") throw new UnreadableDocument(reasonOfOld(bytes));
  if (format) throw new UnreadableDocument(UNREADABLE[format]);
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
