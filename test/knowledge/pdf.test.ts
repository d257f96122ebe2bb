import { zlibSync } from "fflate";
import { describe, expect, it } from "vitest";
import { chunkBlocks } from "../../src/knowledge/chunk.ts";
import { extractText } from "../../src/knowledge/extract/index.ts";
import { flowing, pdfOf, pdfOfStream } from "../helpers/pdf.ts";

const read = async (...pages: Parameters<typeof pdfOf>[0]) => extractText(pdfOf(pages), "upload");
const line = (words: string) => `${words} and then it goes on to the end of a line of some length`;

describe("a PDF", () => {
  it("gives headings by their size, paragraphs by their distance, lists and code, each with its page", async () => {
    const blocks = await read(
      [
        { text: "The title", size: 24, y: 760 },
        ...flowing([line("First"), line("second"), "third."], { top: 700 }),
        ...flowing([line("Another paragraph")], { top: 640 }),
        ...flowing(["\x95 one", "\x95 two"], { top: 600 }),
      ],
      [{ text: "A section", size: 16, y: 760 }, ...flowing(["if (true) {", "  return;"], { font: "F2" })],
    );
    expect(blocks).toEqual([
      { kind: "heading", level: 1, text: "The title", place: "page 1" },
      { kind: "paragraph", text: `${line("First")} ${line("second")} third.`, place: "page 1" },
      { kind: "paragraph", text: line("Another paragraph"), place: "page 1" },
      { kind: "list", text: "- one\n- two", place: "page 1" },
      { kind: "heading", level: 2, text: "A section", place: "page 2" },
      { kind: "code", text: "if (true) {\n  return;", place: "page 2" },
    ]);
  });

  it("makes words whole that were cut at the end of a line, and keeps hyphens that belong", async () => {
    const blocks = await read(flowing(["A well-known fact is impor-", "tant and it is a well-", "known one to all."]));
    expect(blocks.map(({ text }) => text).join(" ")).toBe(
      "A well-known fact is important and it is a well-known one to all.",
    );
  });

  it("leaves out running heads and page numbers, and joins a paragraph across pages", async () => {
    const page = (number: number, ...texts: string[]) => [
      { text: "Annual report 2026", y: 800 },
      ...flowing(texts),
      { text: `Page ${number} of 3`, y: 40 },
    ];
    const blocks = await read(page(1, line("Begins")), page(2, line("goes on"), "ends."), page(3, "A last word."));
    expect(blocks.map(({ text, place }) => [text, place])).toEqual([
      [`${line("Begins")} ${line("goes on")} ends.`, "page 1"],
      ["A last word.", "page 3"],
    ]);
  });

  it("of 200 pages is read whole, and its chunks know their pages", async () => {
    const pages = Array.from({ length: 200 }, (_, page) =>
      flowing(
        Array.from({ length: 40 }, (_line, at) => line(`Sentence ${page * 40 + at}`) + "."),
        { top: 760 },
      ),
    );
    const blocks = await read(...pages);
    const chunks = await chunkBlocks(blocks, { maxTokens: 800, overlapTokens: 400 });
    const text = blocks.map((block) => block.text).join("\n");
    expect([0, 3999, 7999].filter((number) => text.includes(line(`Sentence ${number}`)))).toEqual([0, 3999, 7999]);
    const places = chunks.filter((chunk) => chunk.text.includes("Sentence 4010 ")).map(({ place }) => place);
    expect(places.length).toBeGreaterThan(0);
    expect(places.every((place) => /^pages? (100-)?101(-102)?$/.test(place!))).toBe(true);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["one with no text", pdfOf([[], []]), /pictures of pages/],
    [
      "one with a password",
      pdfOf(
        [flowing(["secret"])],
        `/ID [<00><00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <${"11".repeat(32)}> /U <${"22".repeat(32)}> >>`,
      ),
      /protected by a password/,
    ],
    ["one cut short", pdfOf([flowing(["text"])]).slice(0, 40), /damaged/],
    ["one that only begins as one", new TextEncoder().encode("%PDF-1.7\nhello"), /damaged/],
  ])("is refused in plain words: %s", async (_what, bytes, message) => {
    await expect(extractText(bytes, "a.pdf")).rejects.toThrow(message);
    await expect(extractText(bytes, "a.pdf")).rejects.toMatchObject({ name: "UnreadableDocument" });
  });

  it("leaves the bytes it was given as they were", async () => {
    const bytes = pdfOf([flowing(["Once."])]);
    await extractText(bytes, "a.pdf");
    expect(await extractText(bytes, "a.pdf")).toHaveLength(1);
  });
});

describe("a PDF that unpacks to far more than it should", () => {
  const zeros = (bytes: number) => zlibSync(new Uint8Array(bytes), { level: 9 });
  const BOMB = /unpacks to far more/;

  it.each<[string, () => Uint8Array]>([
    ["in one stream", () => pdfOfStream(zeros(50_000_000))],
    ["that it calls a picture", () => pdfOfStream(zeros(50_000_000), "/FlateDecode", "/Subtype /Image")],
    ["when it is unpacked twice", () => pdfOfStream(zlibSync(zeros(50_000_000)), "[/FlateDecode /FlateDecode]")],
    ["in many streams", () => many(6, 35_000_000)],
  ])("is refused before it is opened: %s", async (_what, bytes) => {
    await expect(extractText(bytes(), "a.pdf")).rejects.toThrow(BOMB);
  });

  it("is not one that only has large pictures, or a stream of some length", async () => {
    const picture = Uint8Array.from({ length: 300_000 }, (_, at) => (at * 7919) % 251);
    const plain = /pictures of pages and no text/;
    await expect(extractText(pdfOfStream(zlibSync(picture)), "a.pdf")).rejects.toThrow(plain);
  });

  const many = (count: number, bytes: number) => {
    const one = pdfOfStream(zeros(bytes));
    return Uint8Array.from(Array.from({ length: count }).flatMap(() => [...one]));
  };
});
