import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Block, documentText } from "../../src/knowledge/blocks.ts";
import { type Chunk, chunkBlocks } from "../../src/knowledge/chunk.ts";
import { tokenWeight } from "../../src/knowledge/token-weight.ts";

const tokensIn = (content: string) => Math.ceil(tokenWeight(content) - 1e-6);

const words = ["bread", "кошка", "pão", "خبز", "面包", "1984", "a/b", "—", "It ended.", "Why?", "👩🏽‍💻", "é"];
const phrase = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 40 }).map((each) => each.join(" "));
const unbroken = fc.string({ unit: fc.constantFrom("x", "ы", "语", "7", "💡"), minLength: 1, maxLength: 400 });
const text = fc.oneof({ weight: 9, arbitrary: phrase }, { weight: 1, arbitrary: unbroken });
const lines = fc.array(text, { minLength: 1, maxLength: 12 }).map((each) => each.join("\n"));
const place = fc.constantFrom("page 1", "page 2", undefined);
const table = fc
  .array(fc.tuple(phrase, phrase), { minLength: 2, maxLength: 20 })
  .map((rows) => rows.map(([a, b]) => `| ${a} | ${b} |`))
  .map(([head, ...rows]) => [head, "| --- | --- |", ...rows].join("\n"));

const block: fc.Arbitrary<Block> = fc.oneof(
  fc.record({ kind: fc.constant("heading" as const), level: fc.integer({ min: 1, max: 4 }), text: phrase, place }),
  fc.record({ kind: fc.constantFrom("paragraph" as const, "list" as const, "code" as const), text: lines, place }),
  fc.record({ kind: fc.constant("table" as const), text: table, place }),
);
const blocks = fc.array(block, { minLength: 1, maxLength: 25 });
const options = fc
  .integer({ min: 16, max: 300 })
  .chain((maxTokens) =>
    fc.record({ maxTokens: fc.constant(maxTokens), overlapTokens: fc.integer({ min: 0, max: maxTokens }) }),
  );

const eachDocument = (
  holds: (
    document: Block[],
    chunks: Chunk[],
    limits: { maxTokens: number; overlapTokens: number },
  ) => void | Promise<void>,
) =>
  fc.assert(
    fc.asyncProperty(blocks, options, async (document, limits) =>
      holds(document, await chunkBlocks(document, limits), limits),
    ),
  );

/** What a chunk holds of the document itself, without a table's header that was put before it. */
const own = (document: Block[], { start, end }: Chunk) => documentText(document).slice(start, end);

describe("any document cut into chunks", () => {
  it("loses nothing but white space between them, and keeps the order", async () => {
    await eachDocument((document, chunks) => {
      const whole = documentText(document);
      let covered = 0;
      for (const chunk of chunks) {
        expect(whole.slice(covered, Math.max(covered, chunk.start)).trim()).toBe("");
        expect(chunk.end).toBeGreaterThan(covered);
        expect(chunk.text.endsWith(own(document, chunk))).toBe(true);
        covered = chunk.end;
      }
      expect(whole.slice(covered).trim()).toBe("");
    });
  });

  it("has no chunk over the budget", async () => {
    await eachDocument((_document, chunks, { maxTokens }) => {
      for (const { text: content } of chunks) expect(tokensIn(content)).toBeLessThanOrEqual(maxTokens);
    });
  });

  it("repeats no more than the overlap allows, and never the whole of the chunk before", async () => {
    await eachDocument((document, chunks, { overlapTokens }) => {
      for (const [at, chunk] of chunks.slice(1).entries()) {
        const before = chunks[at]!;
        const shared = documentText(document).slice(chunk.start, before.end);
        expect(tokensIn(shared)).toBeLessThanOrEqual(overlapTokens);
        expect(chunk.start).toBeGreaterThan(before.start);
      }
    });
  });

  it("names only titles that stand above all of a chunk's content", async () => {
    await eachDocument((document, chunks) => {
      const titles = document.flatMap((each) => (each.kind === "heading" ? each.text : []));
      for (const { headings } of chunks) for (const title of headings) expect(titles).toContain(title);
    });
  });

  it("is cut the same each time", async () => {
    await eachDocument(async (document, chunks, limits) => {
      expect(await chunkBlocks(document, limits)).toEqual(chunks);
    });
  });
});

const heading = (level: number, title: string): Block => ({ kind: "heading", level, text: title });
const paragraph = (content: string, where?: string): Block => ({ kind: "paragraph", text: content, place: where });
const sentence = (about: string) => `This sentence tells about ${about} and then about nothing else at all. `;

describe("a document of sections", () => {
  const long = (about: string) => paragraph(sentence(about).repeat(30));

  it("is cut at its headings, and each chunk knows those above it", async () => {
    const document = [
      heading(1, "Prices"),
      long("money"),
      heading(2, "Europe"),
      long("euros"),
      heading(1, "Terms"),
      long("law"),
    ];
    const chunks = await chunkBlocks(document, { maxTokens: 800, overlapTokens: 0 });
    expect(chunks.map(({ headings }) => headings)).toEqual([["Prices"], ["Prices", "Europe"], ["Terms"]]);
    expect(chunks.map(({ text: content }) => content.split("\n")[0])).toEqual(["# Prices", "## Europe", "# Terms"]);
  });

  it("keeps small sections together, under the title they share", async () => {
    const document = [
      heading(1, "Questions"),
      heading(2, "Who?"),
      paragraph("We."),
      heading(2, "When?"),
      paragraph("Now."),
    ];
    const chunks = await chunkBlocks(document, { maxTokens: 800, overlapTokens: 400 });
    expect(chunks).toEqual([
      {
        text: documentText(document),
        headings: ["Questions"],
        place: null,
        start: 0,
        end: documentText(document).length,
      },
    ]);
  });

  it("leaves no heading alone at the end of a chunk", async () => {
    const document = Array.from({ length: 20 }, (_, at) => [
      heading(2, `Part ${at}`),
      paragraph(sentence("it").repeat(3)),
    ]).flat();
    for (const { text: content } of await chunkBlocks(document, { maxTokens: 60, overlapTokens: 0 }))
      expect(content.split("\n").at(-1)).not.toMatch(/^#/);
  });

  it("repeats whole sentences of the same section, and none across a heading", async () => {
    const document = [heading(1, "A"), long("a"), heading(1, "B"), long("b")];
    const chunks = await chunkBlocks(document, { maxTokens: 200, overlapTokens: 60 });
    const shared = chunks.slice(1).map((chunk, at) => documentText(document).slice(chunk.start, chunks[at]!.end));
    expect(new Set(shared.map((each) => each.trim().split("This").length - 1))).toEqual(new Set([0, 4]));
    for (const { text: content } of chunks)
      expect(content.includes("about a") && content.includes("about b")).toBe(false);
  });

  it("says on which pages a chunk lies", async () => {
    const document = [
      paragraph(sentence("x"), "page 3"),
      paragraph(sentence("y"), "page 4"),
      paragraph("End.", "page 4"),
    ];
    expect((await chunkBlocks(document, { maxTokens: 800, overlapTokens: 0 }))[0]!.place).toBe("pages 3-4");
    expect((await chunkBlocks(document.slice(1), { maxTokens: 800, overlapTokens: 0 }))[0]!.place).toBe("page 4");
  });
});

describe("a table", () => {
  const row = (name: string, price: number) => `| ${name} | ${price} |`;
  const rows = Array.from({ length: 60 }, (_, at) => row(`Product number ${at}`, at * 10));
  const document: Block[] = [{ kind: "table", text: [`| Product | Price |`, "| --- | --- |", ...rows].join("\n") }];

  it("stays whole where it fits", async () => {
    const chunks = await chunkBlocks([paragraph(sentence("x").repeat(20)), ...document], {
      maxTokens: 1200,
      overlapTokens: 0,
    });
    expect(chunks.some(({ text: content }) => content.includes(rows[0]!) && content.includes(rows[59]!))).toBe(true);
  });

  it("is cut between rows where it does not, and each piece has the names of the columns", async () => {
    const chunks = await chunkBlocks(document, { maxTokens: 150, overlapTokens: 50 });
    expect(chunks.length).toBeGreaterThan(3);
    for (const { text: content } of chunks)
      expect(content).toMatch(/^\| Product \| Price \|\n\| --- \| --- \|\n(\| [^|]+ \| \d+ \|\n?)+$/);
    expect(chunks.flatMap(({ text: content }) => content.split("\n").slice(2))).toEqual(rows);
  });
});

it("cuts code between lines", async () => {
  const code = Array.from({ length: 100 }, (_, at) => `  const value${at} = compute(${at}, "text");`);
  const chunks = await chunkBlocks([{ kind: "code", text: code.join("\n") }], { maxTokens: 120, overlapTokens: 0 });
  expect(chunks.flatMap(({ text: content }) => content.split("\n"))).toEqual(code);
});

it("does not take a line break within a paragraph for the end of a sentence", async () => {
  const wrapped = "The first sentence goes on\nover two lines. The second one\ndoes so too. ".repeat(20);
  for (const { text: content } of await chunkBlocks([paragraph(wrapped)], { maxTokens: 40, overlapTokens: 0 }))
    expect(content).toMatch(/\.$/);
});

describe("the estimate of tokens", () => {
  /** What `o200k_base` counts for each. */
  const counted: [string, number][] = [
    ["The quick brown fox jumps over the lazy dog, and nobody knows why it does so every single morning.", 21],
    ["Быстрая коричневая лиса прыгает через ленивую собаку, и никто не знает, зачем она это делает каждое утро.", 34],
    [
      "A raposa marrom rápida pula sobre o cachorro preguiçoso, e ninguém sabe por que ela faz isso todas as manhãs.",
      28,
    ],
    ["يقفز الثعلب البني السريع فوق الكلب الكسول ولا أحد يعرف لماذا يفعل ذلك كل صباح.", 25],
    ["敏捷的棕色狐狸每天早上都跳过那只懒狗，没有人知道它为什么这样做。", 26],
    ["export const estimate = (text: string): number => Math.ceil(weigh(text) * 1.5);", 24],
  ];

  it.each(counted)("is within a quarter of the count: %s", (content, tokens) => {
    expect(Math.abs(tokensIn(content) - tokens)).toBeLessThanOrEqual(tokens / 4);
  });

  it("never grows by joining what was apart", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
        expect(tokensIn(a + b)).toBeLessThanOrEqual(tokensIn(a) + tokensIn(b));
      }),
      { examples: [["ሀ", "AAA"]] },
    );
  });
});
