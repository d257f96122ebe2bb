/** What a document is made of, in its own order, whatever its format was. */
export type Block =
  | { kind: "heading"; level: number; text: string; place?: string }
  | { kind: "paragraph" | "list" | "table" | "code"; text: string; place?: string };

/** The message is a sentence for the person who uploaded the file. */
export class UnreadableDocument extends Error {
  override name = "UnreadableDocument";
}

const BETWEEN = "\n\n";

const shown = (block: Block) => (block.kind === "heading" ? `${"#".repeat(block.level)} ${block.text}` : block.text);

/** The whole document as one text: what the offsets of its chunks count in. */
export const documentText = (blocks: Block[]) => blocks.map(shown).join(BETWEEN);

/** Where each block begins and ends in the document's text; a block's end is the next one's start. */
export function blockSpans(blocks: Block[]): { text: string; start: number; end: number }[] {
  let at = 0;
  return blocks.map((block, index) => {
    const text = index === blocks.length - 1 ? shown(block) : shown(block) + BETWEEN;
    const start = at;
    at += text.length;
    return { text, start, end: at };
  });
}
