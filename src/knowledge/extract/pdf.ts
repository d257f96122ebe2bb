import { loadPdfEngine } from "../../pdf-engine.ts";
import type { Document, OutlineNode } from "../../pdf-engine.ts";
import { type Block, UnreadableDocument } from "../blocks.ts";
import { LIMITS, tooLong } from "./limits.ts";
import { refusePdfBomb } from "./pdf-bomb.ts";
import { blocksOfLines, type Outline, titleKey } from "./pdf-layout.ts";
import { type Line, linesOf, withoutRunningHeads } from "./pdf-lines.ts";

const REASONS: Record<string, string> = {
  PasswordException: "The PDF is protected by a password. Save it without one and add it again.",
  InvalidPDFException: "The PDF is damaged and cannot be opened.",
};
const DAMAGED = "The PDF is damaged and cannot be read.";

const unreadable = (error: unknown) =>
  error instanceof UnreadableDocument
    ? error
    : new UnreadableDocument(REASONS[error instanceof Error ? error.name : ""] ?? DAMAGED, { cause: error });

/** A title that the outline names twice, such as "Summary" of each chapter, keeps the level it has first. */
function flatten(nodes: OutlineNode[], level: number, found: Outline): Outline {
  for (const { title, items } of nodes) {
    const key = titleKey(title);
    if (key && !found.has(key) && found.size < 10_000) found.set(key, level);
    if (level < 6) flatten(items, level + 1, found);
  }
  return found;
}

async function readPages(document: Document): Promise<Line[][]> {
  if (document.numPages > LIMITS.pages)
    throw new UnreadableDocument(`The PDF has more than ${LIMITS.pages} pages. Split it.`);
  const pages: Line[][] = [];
  let characters = 0;
  for (let number = 1; number <= document.numPages; number++) {
    // The engine lets nobody else in by itself.
    await scheduler.wait(0);
    const page = await document.getPage(number);
    const content = await page.getTextContent({ includeMarkedContent: false, disableNormalization: false });
    const lines = linesOf(content, number);
    page.cleanup();
    characters += lines.reduce((sum, { text }) => sum + text.length, 0);
    if (characters > LIMITS.characters) throw tooLong();
    pages.push(lines);
  }
  return pages;
}

async function readDocument(document: Document): Promise<Block[]> {
  const pages = await readPages(document);
  if (pages.every((lines) => lines.length === 0))
    throw new UnreadableDocument(
      "The PDF holds pictures of pages and no text. Run it through text recognition (OCR) first.",
    );
  const outline = flatten((await document.getOutline().catch(() => null)) ?? [], 1, new Map());
  return blocksOfLines(withoutRunningHeads(pages), outline);
}

export async function readPdf(bytes: Uint8Array): Promise<Block[]> {
  await refusePdfBomb(bytes);
  const { getDocument } = await loadPdfEngine();
  // The engine takes its bytes away from whoever gave them.
  const task = getDocument({
    data: bytes.slice(),
    isEvalSupported: false,
    useSystemFonts: true,
    disableFontFace: true,
    verbosity: 0,
  });
  try {
    return await readDocument(await task.promise);
  } catch (error) {
    throw unreadable(error);
  } finally {
    await task.destroy();
  }
}
