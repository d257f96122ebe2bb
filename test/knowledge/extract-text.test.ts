import { describe, expect, it } from "vitest";
import { extractText } from "../../src/knowledge/extract/index.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const read = async (text: string, filename = "upload") => extractText(bytes(text), filename);
const shown = async (text: string, filename?: string) =>
  (await read(text, filename)).map((block) => [block.kind, block.text]);

/** Russian letters and ASCII in an encoding of one byte, by where its letters begin. */
const cyrillic = (text: string, from: number, upper: number) =>
  Uint8Array.from(text, (sign) => {
    const code = sign.codePointAt(0)!;
    if (code >= 0x430 && code <= 0x44f) return code - 0x430 + from;
    return code >= 0x410 && code <= 0x42f ? code - 0x410 + upper : code;
  });

describe("a plain text", () => {
  it("is cut at blank lines, and keeps its line breaks", async () => {
    expect(await shown("One\ntwo.\r\n\r\n  \nThree.\n")).toEqual([
      ["paragraph", "One\ntwo."],
      ["paragraph", "Three."],
    ]);
  });

  it("has pages where it has form feeds", async () => {
    expect((await read("First.\fSecond.")).map(({ place }) => place)).toEqual(["page 1", "page 2"]);
  });

  const russian = "Столица России – это Москва, и всякий это знает.".replace("–", "-");
  const utf16 = (text: string, littleEndian: boolean, mark: string) => {
    const view = new DataView(new ArrayBuffer((mark + text).length * 2));
    for (let at = 0; at < (mark + text).length; at++)
      view.setUint16(at * 2, (mark + text).charCodeAt(at), littleEndian);
    return new Uint8Array(view.buffer);
  };

  it.each<[string, Uint8Array, string]>([
    ["UTF-8", bytes(russian), russian],
    ["UTF-8 with a mark", bytes(`\uFEFF${russian}`), russian],
    ["UTF-8 cut within a character", bytes(`${russian.repeat(3)} ы`).slice(0, -1), `${russian.repeat(3)} \uFFFD`],
    ["UTF-16 LE", utf16(russian, true, "\uFEFF"), russian],
    ["UTF-16 BE", utf16(russian, false, "\uFEFF"), russian],
    ["UTF-16 LE without a mark", utf16("The capital is Paris.", true, ""), "The capital is Paris."],
    ["windows-1251", cyrillic(russian, 0xe0, 0xc0), russian],
    ["windows-1252", Uint8Array.from("Um pão está à mão.", (sign) => sign.charCodeAt(0)), "Um pão está à mão."],
  ])("is understood in %s", async (_encoding, given, expected) => {
    expect(await extractText(given, "notes.txt")).toEqual([{ kind: "paragraph", text: expected }]);
  });

  it("has composed letters, whole ligatures, and nothing invisible", async () => {
    expect(await shown("e\u0301 \uFB01n\u00ADd \u200Bme")).toEqual([["paragraph", "é find me"]]);
  });
});

describe("Markdown", () => {
  it("gives headings, paragraphs, lists, tables and code", async () => {
    const source = `---
title: "Guide"
---
Intro with **bold**.

Setext
======
## Second [link](http://x) \`code\` ##
- one
  more
- two

  inner

1. first

| A | B |
|---|:-:|
| 1 | 2 |
After.

\`\`\`ts
# not a heading
const a = 1;

const b = 2;
\`\`\`

    indented
`;
    expect(await shown(source, "guide.md")).toEqual([
      ["heading", "Guide"],
      ["paragraph", "Intro with **bold**."],
      ["heading", "Setext"],
      ["heading", "Second link code"],
      ["list", "- one\n  more\n- two\n\n  inner\n\n1. first"],
      ["table", "| A | B |\n|---|:-:|\n| 1 | 2 |"],
      ["paragraph", "After."],
      ["code", "# not a heading\nconst a = 1;\n\nconst b = 2;"],
      ["code", "    indented"],
    ]);
  });

  it("is known by its signs, whatever its name", async () => {
    expect(await shown("# Title\ntext", "upload")).toEqual([
      ["heading", "Title"],
      ["paragraph", "text"],
    ]);
    expect(await shown("# a comment\nx = 1\n", "settings.py")).toEqual([["code", "# a comment\nx = 1"]]);
  });

  it("ends an unclosed fence with the text", async () => {
    expect(await shown("```\ncode\n\nmore", "a.md")).toEqual([["code", "code\n\nmore"]]);
  });
});

describe("HTML", () => {
  const page = (body: string) =>
    `<!DOCTYPE html><html><head><title>Shop &amp; Co</title><style>p{}</style></head><body>${body}</body></html>`;

  it("leaves out what is not the page's own", async () => {
    const source = page(`<nav>Home</nav><script>var a = "<p>x</p>";</script><header><h1>Welcome</h1></header>
      <p>Hello<br>there, <b>you</b>&nbsp;&mdash; &#1103;&unknown;</p><div hidden>secret</div><div aria-hidden="true">icon</div>
      <div role="navigation"><div>Menu</div></div><div class="navheader x"><table><tr><td>Prev<td>Next</table></div><footer>Imprint</footer><!-- <p>comment</p> -->`);
    expect(await shown(source)).toEqual([
      ["heading", "Welcome"],
      ["paragraph", "Hello\nthere, you — я&unknown;"],
    ]);
  });

  it("takes the main part for the page, and the title for a heading that is missing", async () => {
    const text = "The text itself. ".repeat(30).trim();
    expect(
      await shown(page(`<div>Cookies?</div><main><h2>About</h2><p>${text}</p></main><div>More to read</div>`)),
    ).toEqual([
      ["heading", "Shop & Co"],
      ["heading", "About"],
      ["paragraph", text],
    ]);
  });

  it("reads lists within lists, definitions, code and quotes", async () => {
    const source =
      page(`<h1>T</h1><ul><li>one<ul><li>deep</ul><li><p>two</p><p>more</p></ul><dl><dt>Term<dd>Meaning</dl>
      <pre>  a\n    b</pre><blockquote>Said.</blockquote>`);
    expect(await shown(source)).toEqual([
      ["heading", "T"],
      ["list", "- one\n  - deep\n- two\n  more\n- Term: Meaning"],
      ["code", "  a\n    b"],
      ["paragraph", "Said."],
    ]);
  });

  it("keeps tables of data, with cells that span, and unfolds those that only lay out", async () => {
    const data = `<table><tr><th>City<th>Year<th>People</tr><tr><td rowspan=2>Omsk<td>2010<td>1 154 116<tr><td>2021<td>1 125 695</table>`;
    expect(await shown(page(`<h1>T</h1><table><tr><td><h2>Cities</h2>${data}</td></tr></table>`))).toEqual([
      ["heading", "T"],
      ["heading", "Cities"],
      [
        "table",
        "| City | Year | People |\n| --- | --- | --- |\n| Omsk | 2010 | 1 154 116 |\n| Omsk | 2021 | 1 125 695 |",
      ],
    ]);
  });

  it("is read in the encoding that it declares", async () => {
    const source = cyrillic(`<html><meta charset="koi8-r"><p>abc`, 0, 0);
    const word = Uint8Array.from([0xcd, 0xc9, 0xd2]);
    expect(await extractText(Uint8Array.from([...source, ...word]), "a.html")).toEqual([
      { kind: "paragraph", text: "abcмир" },
    ]);
  });

  it("expands no entity that the source declares", async () => {
    const bomb = `<?xml version="1.0"?><!DOCTYPE html [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><html><p>&b;&b; end</p></html>`;
    expect(await shown(bomb)).toEqual([["paragraph", "&b;&b; end"]]);
  });
});

describe("a table in text", () => {
  const table = '| Name | Price |\n| --- | --- |\n| Tea, "green" | 3,50 |\n| Two lines | 4 |';

  it.each([
    ["commas", `Name,Price\n"Tea, ""green""","3,50"\n"Two\nlines",4\n`],
    ["semicolons", `Name;Price\r\n"Tea, ""green""";3,50\r\n"Two\r\nlines";4\r\n\r\n`],
    ["tabs", `Name\tPrice\nTea, "green"\t3,50\nTwo lines\t4`],
    ["a line that names the separator", `sep=;\nName;Price\n"Tea, ""green""";3,50\n"Two\nlines";4`],
  ])("is read with %s", async (_separator, source) => {
    expect(await shown(source, "prices.csv")).toEqual([["table", table]]);
    expect(await shown(source, "prices")).toEqual([["table", table]]);
  });

  it("has no header where the first row holds values", async () => {
    expect(await shown("1,a\n2,b\n3,c", "x.csv")).toEqual([["table", "| 1 | a |\n| 2 | b |\n| 3 | c |"]]);
  });

  it("does not take prose for one", async () => {
    const prose = "First, this.\nSecond, that.\nThird, the other.\nAnd then, well, nothing.";
    expect(await shown(prose)).toEqual([["paragraph", prose]]);
  });
});

describe("JSON", () => {
  it("makes a table of even records, and paragraphs of others", async () => {
    expect(await shown(`[{"name":"Tea","price":3},{"name":"Coffee","price":4}]`)).toEqual([
      ["table", "| name | price |\n| --- | --- |\n| Tea | 3 |\n| Coffee | 4 |"],
    ]);
    expect(await shown(`{"name":"Tea","tags":["green","hot"],"origin":{"country":"China"}}`)).toEqual([
      ["paragraph", "name: Tea\ntags: green, hot\norigin: country: China"],
    ]);
  });

  it("makes sections of what is large", async () => {
    const items = Array.from({ length: 20 }, (_, at) => ({
      question: `Question ${at}?`,
      answer: `Answer ${at}.\nMore.`,
    }));
    const blocks = await shown(JSON.stringify({ title: "FAQ", items }));
    expect(blocks.slice(0, 4)).toEqual([
      ["paragraph", "title: FAQ"],
      ["heading", "items"],
      ["paragraph", "question: Question 0?"],
      ["paragraph", "answer: Answer 0.\nMore."],
    ]);
  });

  it("is read line by line where each line is a record", async () => {
    expect(await shown(`{"a":1,"b":"x"}\n\n{"a":2,"b":"y"}\n{"a":3,"b`)).toEqual([
      ["table", "| a | b |\n| --- | --- |\n| 1 | x |\n| 2 | y |"],
    ]);
  });

  it("may be nested as deep as one likes", async () => {
    await expect(read(`${"[".repeat(100_000)}1${"]".repeat(100_000)}`)).resolves.toHaveLength(1);
    await expect(read(`${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`)).resolves.toHaveLength(1);
  });
});

describe("what cannot be read", () => {
  it.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(), /is empty/],
    ["only spaces", bytes(" \n\t\n"), /holds no text/],
    ["a picture", Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0]), /is a picture/],
    ["an archive", Uint8Array.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]), /Unpack it/],
    ["random bytes", Uint8Array.from({ length: 2000 }, (_, at) => (at * 7919) % 256), /cannot be read/],
    ["too much text", bytes("All work and no play. ".repeat(300_000)), /too long/],
  ])("is refused in plain words: %s", async (_what, given, message) => {
    await expect(extractText(given, "upload.txt")).rejects.toThrow(message);
    await expect(extractText(given, "upload.txt")).rejects.toMatchObject({ name: "UnreadableDocument" });
  });

  it("is told by content: a text that begins like another format is still a text", async () => {
    expect(await shown("GIF89a is how a GIF begins.")).toEqual([["paragraph", "GIF89a is how a GIF begins."]]);
  });
});

describe("a text made to be slow", () => {
  const long = 400_000;
  it.each<[string, string]>([
    ["spaces", `a${" ".repeat(long)}b`],
    ["blank lines", `a${"\n ".repeat(long)}b`],
    [
      "Markdown signs",
      `# x\n${"[".repeat(long)}\n${"|".repeat(long)}\n${"-".repeat(long)}|x\n${"- ".repeat(long)}x\n${"#".repeat(long)}`,
    ],
    ["a table's dashes", `| a |\n${" ".repeat(long)}-x\n${"|-".repeat(long)}x`],
    ["open tags", `<html>${"<div>".repeat(long / 5)}x`],
    ["open tables", `<html>${"<table><tr><td>".repeat(long / 20)}x`],
    ["open comments", `<html>x${"<!--".repeat(long / 4)}`],
    ["open brackets", `<html>x${"<![".repeat(long / 3)}`],
    ["tags without end", `<html>x${'<a b="'.repeat(long / 6)}`],
    ["quotes", `a,b\n${'"'.repeat(long + 1)}`],
    ["entities", `<html>${"&#".repeat(long / 2)}${"&amp".repeat(long / 4)}`],
    ["half a row", `a,b\n${"1\n".repeat(long / 2)}${",".repeat(1000)}`],
  ])("is read in a moment: %s", async (_what, source) => {
    const begun = performance.now();
    await read(source, "a.md").catch(() => null);
    await read(source, "a.csv").catch(() => null);
    expect(performance.now() - begun).toBeLessThan(5000);
  });
});
