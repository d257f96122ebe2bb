import { strToU8, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { extractText } from "../../src/knowledge/extract/index.ts";

const zip = (files: Record<string, string>) =>
  zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])));
const read = async (files: Record<string, string>) => extractText(zip(files), "upload");
const shown = async (files: Record<string, string>) => (await read(files)).map((block) => [block.kind, block.text]);

const relations = (targets: Record<string, string>) =>
  `<Relationships>${Object.entries(targets)
    .map(([id, target]) => `<Relationship Id="${id}" Type="x" Target="${target}"/>`)
    .join("")}</Relationships>`;

describe("a DOCX", () => {
  const paragraph = (text: string, properties = "") =>
    `<w:p><w:pPr>${properties}</w:pPr><w:r><w:t xml:space="preserve">${text}</w:t></w:r></w:p>`;
  const style = (id: string) => `<w:pStyle w:val="${id}"/>`;
  const docx = (body: string, more: Record<string, string> = {}) => ({
    "word/styles.xml": `<w:styles><w:style w:styleId="1"><w:name w:val="heading 1"/></w:style>
      <w:style w:styleId="a3"><w:name w:val="Мой заголовок"/><w:basedOn w:val="1"/></w:style>
      <w:style w:styleId="b"><w:name w:val="List Bullet"/><w:pPr><w:numPr/></w:pPr></w:style></w:styles>`,
    "word/document.xml": `<?xml version="1.0"?><w:document><w:body>${body}</w:body></w:document>`,
    ...more,
  });

  it("gives headings by what their styles are based on, paragraphs, and lists", async () => {
    const body =
      paragraph("Договор", style("1")) +
      paragraph("Предмет", style("a3")) +
      `<w:p><w:r><w:t>Tom &amp; Je</w:t></w:r><w:r><w:t>rry</w:t><w:tab/><w:t>left</w:t><w:br/><w:t>home.</w:t></w:r></w:p>` +
      paragraph("one", style("b")) +
      paragraph("deep", `<w:numPr><w:ilvl w:val="1"/><w:numId w:val="3"/></w:numPr>`) +
      paragraph("Outlined", `<w:outlineLvl w:val="1"/>`);
    expect(await shown(docx(body))).toEqual([
      ["heading", "Договор"],
      ["heading", "Предмет"],
      ["paragraph", "Tom & Jerry left\nhome."],
      ["list", "- one\n  - deep"],
      ["heading", "Outlined"],
    ]);
  });

  it("gives tables with their columns, and notes after what they belong to", async () => {
    const cell = (text: string, properties = "") => `<w:tc><w:tcPr>${properties}</w:tcPr>${paragraph(text)}</w:tc>`;
    const note = `<w:p><w:r><w:t>Text</w:t><w:footnoteReference w:id="2"/></w:r></w:p>`;
    const table = `<w:tbl><w:tr>${cell("Name")}${cell("Price")}${cell("Since")}</w:tr><w:tr>${cell("Tea", '<w:gridSpan w:val="2"/>')}${cell("May")}</w:tr></w:tbl>`;
    const notes = {
      "word/footnotes.xml": `<w:footnotes><w:footnote w:type="x" w:id="2">${paragraph("A note.")}</w:footnote></w:footnotes>`,
    };
    expect(await shown(docx(note + table, notes))).toEqual([
      ["paragraph", "Text"],
      ["paragraph", "A note."],
      ["table", "| Name | Price | Since |\n| --- | --- | --- |\n| Tea |  | May |"],
    ]);
  });

  it("leaves out what was deleted, and what is there twice for old programs", async () => {
    const body =
      `<w:p><w:del><w:r><w:delText>gone</w:delText><w:t>gone</w:t></w:r></w:del><w:r><w:instrText>PAGE</w:instrText><w:t>kept</w:t></w:r></w:p>` +
      `<mc:AlternateContent><mc:Choice>${paragraph("box")}</mc:Choice><mc:Fallback>${paragraph("box")}</mc:Fallback></mc:AlternateContent>`;
    expect(await shown(docx(body))).toEqual([
      ["paragraph", "kept"],
      ["paragraph", "box"],
    ]);
  });
});

describe("a PPTX", () => {
  it("gives its slides in the order of the show, with titles, points, tables and notes", async () => {
    const shape = (kind: string, ...texts: string[]) =>
      `<p:sp><p:nvPr><p:ph ${kind}/></p:nvPr><p:txBody>${texts.map((text) => `<a:p><a:pPr lvl="${text.startsWith("-") ? 1 : 0}"/><a:r><a:t>${text}</a:t></a:r></a:p>`).join("")}</p:txBody></p:sp>`;
    const cell = (text: string) => `<a:tc><a:txBody><a:p><a:r><a:t>${text}</a:t></a:r></a:p></a:txBody></a:tc>`;
    const table = `<a:tbl><a:tr>${cell("Q")}${cell("A")}</a:tr><a:tr>${cell("1")}${cell("2")}</a:tr></a:tbl>`;
    const blocks = await read({
      "ppt/presentation.xml": `<p:presentation><p:sldIdLst><p:sldId id="1" r:id="r2"/><p:sldId id="2" r:id="r1"/></p:sldIdLst></p:presentation>`,
      "ppt/_rels/presentation.xml.rels": relations({ r1: "slides/slide1.xml", r2: "/ppt/slides/slide2.xml" }),
      "ppt/slides/slide1.xml": `<p:sld>${shape('type="title"', "Second")}${table}${shape('type="sldNum"', "7")}</p:sld>`,
      "ppt/slides/slide2.xml": `<p:sld>${shape('type="ctrTitle"', "First")}${shape('idx="1"', "one", "- deep")}</p:sld>`,
      "ppt/slides/_rels/slide2.xml.rels": relations({ r9: "../notesSlides/notesSlide1.xml" }),
      "ppt/notesSlides/notesSlide1.xml": `<p:notes>${shape('type="body"', "Say hello.")}</p:notes>`,
    });
    expect(blocks).toEqual([
      { kind: "heading", level: 1, text: "First", place: "slide 1" },
      { kind: "list", text: "- one\n  - - deep", place: "slide 1" },
      { kind: "paragraph", text: "Say hello.", place: "slide 1" },
      { kind: "heading", level: 1, text: "Second", place: "slide 2" },
      { kind: "table", text: "| Q | A |\n| --- | --- |\n| 1 | 2 |", place: "slide 2" },
    ]);
  });
});

describe("an XLSX", () => {
  const workbook = (sheets: Record<string, string>, properties = "") => ({
    "xl/workbook.xml": `<workbook>${properties}<sheets>${Object.keys(sheets)
      .map(
        (name, at) =>
          `<sheet name="${name}" sheetId="${at + 1}" ${name === "Secret" ? 'state="hidden"' : ""} r:id="r${at}"/>`,
      )
      .join("")}</sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": relations(
      Object.fromEntries(Object.keys(sheets).map((_, at) => [`r${at}`, `worksheets/sheet${at}.xml`])),
    ),
    "xl/sharedStrings.xml": `<sst><si><t>Name</t></si><si><r><t>Gre</t></r><r><t xml:space="preserve">en tea</t></r></si><si/><si><t>Ware &amp; more</t></si></sst>`,
    "xl/styles.xml": `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd\\.mm\\.yyyy"/><numFmt numFmtId="165" formatCode="0.0%"/><numFmt numFmtId="166" formatCode="&quot;days&quot; 0"/></numFmts>
      <cellStyleXfs><xf numFmtId="9"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="14"/><xf numFmtId="166"/><xf numFmtId="20"/></cellXfs></styleSheet>`,
    ...Object.fromEntries(
      Object.values(sheets).map((rows, at) => [
        `xl/worksheets/sheet${at}.xml`,
        `<worksheet><sheetData>${rows}</sheetData></worksheet>`,
      ]),
    ),
  });

  it("gives each sheet's tables with the names of their columns, dates and shares as people read them", async () => {
    const blocks = await read(
      workbook({
        "Prices &amp; dates": `<row r="1"><c r="A1" t="s"><v>3</v></c></row>
          <row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="inlineStr"><is><t>Since</t></is></c><c r="D2" t="str"><f>A1</f><v>Share</v></c></row>
          <row r="3"><c r="A3" t="s"><v>1</v></c><c r="B3" s="1"><v>45292</v></c><c r="D3" s="2"><v>0.175</v></c></row>
          <row r="4"><c r="A4" t="b"><v>1</v></c><c r="B4" s="3"><v>45292.5</v></c><c r="D4"><v>0.30000000000000004</v></c></row>
          <row r="9"><c r="A9" s="4"><v>3</v></c><c r="B9" s="5"><v>0.75</v></c></row>`,
        Secret: `<row r="1"><c r="A1"><v>1</v></c></row>`,
      }),
    );
    const place = "sheet Prices & dates";
    expect(blocks).toEqual([
      { kind: "heading", level: 1, text: "Prices & dates", place },
      { kind: "paragraph", text: "Ware & more", place },
      {
        kind: "table",
        text: "| Name | Since | Share |\n| --- | --- | --- |\n| Green tea | 2024-01-01 | 17.5% |\n| true | 2024-01-01 12:00 | 0.3 |",
        place,
      },
      { kind: "table", text: "| 3 | 18:00:00 |", place },
    ]);
  });

  it("counts days from where the workbook does", async () => {
    const blocks = await shown(
      workbook({ A: `<row r="1"><c r="A1" s="1"><v>43830</v></c></row>` }, '<workbookPr date1904="1"/>'),
    );
    expect(blocks.at(-1)).toEqual(["paragraph", "2024-01-01"]);
  });

  it("does not grow with the distance of its cells", async () => {
    const rows = Array.from(
      { length: 3000 },
      (_, at) =>
        `<row r="${at + 1}"><c r="A${at + 1}"><v>1</v></c><c r="${at % 2 ? "XFD" : "AAA"}${at + 1}"><v>${at}</v></c></row>`,
    );
    const text = (await read(workbook({ A: rows.join("") }))).map((block) => block.text).join("\n");
    expect(text).toContain("2999");
    expect(text.length).toBeLessThan(100_000);
  });
});

describe("an OpenDocument file", () => {
  const odf = (body: string) => ({
    mimetype: "application/vnd.oasis.opendocument.text",
    "content.xml": `<office:document-content><office:body>${body}</office:body></office:document-content>`,
  });

  it("gives headings, paragraphs, lists, notes and tables of a text", async () => {
    const body = `<office:text><text:tracked-changes><text:p>old</text:p></text:tracked-changes>
      <text:h text:outline-level="2">Title</text:h>
      <text:p>One<text:s text:c="3"/>two<text:line-break/>three<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>Note.</text:p></text:note-body></text:note>.</text:p>
      <text:list><text:list-item><text:p>a</text:p><text:list><text:list-item><text:p>b</text:p></text:list-item></text:list></text:list-item></text:list>
      <table:table><table:table-row><table:table-cell><text:p>X</text:p></table:table-cell><table:table-cell><text:p>Y</text:p></table:table-cell></table:table-row>
      <table:table-row><table:table-cell table:number-columns-repeated="2"><text:p>1</text:p></table:table-cell></table:table-row></table:table></office:text>`;
    expect(await read(odf(body))).toEqual([
      { kind: "heading", level: 2, text: "Title" },
      { kind: "paragraph", text: "One two\nthree." },
      { kind: "paragraph", text: "Note." },
      { kind: "list", text: "- a\n  - b" },
      { kind: "table", text: "| X | Y |\n| --- | --- |\n| 1 | 1 |" },
    ]);
  });

  it("gives the sheets of a spreadsheet", async () => {
    const body = `<office:spreadsheet><table:table table:name="Stock"><table:table-row><table:table-cell><text:p>Tea</text:p></table:table-cell>
      <table:table-cell table:number-columns-repeated="16382"/></table:table-row><table:table-row table:number-rows-repeated="1048575"><table:table-cell/></table:table-row></table:table></office:spreadsheet>`;
    expect(await read(odf(body))).toEqual([
      { kind: "heading", level: 1, text: "Stock", place: "sheet Stock" },
      { kind: "paragraph", text: "Tea", place: "sheet Stock" },
    ]);
  });
});

describe("an RTF", () => {
  const rtf = async (body: string) =>
    (
      await extractText(
        strToU8(
          `{\\rtf1\\ansi\\ansicpg1251\\uc1{\\fonttbl{\\f0\\fcharset0 Arial;}{\\f1\\fcharset161 Arial;}}{\\*\\generator X;}${body}}`,
        ),
        "a",
      )
    ).map((block) => [block.kind, block.text]);

  it("gives headings, paragraphs and tables, in whatever alphabet", async () => {
    const body = String.raw`{\info{\title no}}\pard\outlinelevel0 \'d6\'e5\'ed\'fb\par\pard A \{b\} \u1078?{\b \u8364\'80}, \'ef\'ee{\f1 \'e1}\line c\emdash d.\par
\trowd\pard\intbl N\cell P\cell\row\trowd\intbl 1\cell 2\cell\row\pard End.\par`;
    expect(await rtf(body)).toEqual([
      ["heading", "Цены"],
      ["paragraph", "A {b} ж€, поα\nc—d."],
      ["table", "| N | P |\n| --- | --- |\n| 1 | 2 |"],
      ["paragraph", "End."],
    ]);
  });

  it("stands what is broken", async () => {
    expect(await rtf(`${"{".repeat(50_000)}x${"}".repeat(60_000)}y`)).toEqual([["paragraph", "xy"]]);
  });
});

describe("a compressed file that is no document for us", () => {
  const bomb = () => zip({ "word/document.xml": `<w:document><w:t>${" ".repeat(30_000_000)}</w:t></w:document>` });
  const old = (inside: string) =>
    Uint8Array.from([
      0xd0,
      0xcf,
      0x11,
      0xe0,
      0xa1,
      0xb1,
      0x1a,
      0xe1,
      ...inside.split("").flatMap((sign) => [sign.charCodeAt(0), 0]),
    ]);

  it.each<[string, () => Uint8Array, RegExp]>([
    ["a plain archive", () => zip({ "a.txt": "hello" }), /Unpack it/],
    ["an empty archive", () => zip({}), /Unpack it/],
    ["a bomb", bomb, /unpacks to far more/],
    [
      "one with too many entries",
      () => zip(Object.fromEntries(Array.from({ length: 10_001 }, (_, at) => [`${at}`, ""]))),
      /unpacks to far more/,
    ],
    ["one cut short", () => zip({ "word/document.xml": "<w:p/>" }).slice(0, -30), /damaged/],
    ["one without text", () => zip({ "word/document.xml": "<w:document/>" }), /holds no text/],
    [
      "an encrypted OpenDocument",
      () => zip({ "content.xml": "x", "META-INF/manifest.xml": "<manifest:encryption-data/>" }),
      /password/,
    ],
    ["an encrypted Word file", () => old("EncryptedPackage"), /password/],
    ["an old Word file", () => old("WordDocument"), /DOCX/],
  ])("is refused in plain words: %s", async (_what, bytes, message) => {
    await expect(extractText(bytes(), "a.docx")).rejects.toThrow(message);
    await expect(extractText(bytes(), "a.docx")).rejects.toMatchObject({ name: "UnreadableDocument" });
  });

  /** An archive whose directory says that its last entry is smaller than it is. */
  function liar(files: Record<string, string>, admitted: number): Uint8Array {
    const bytes = zip(files);
    const view = new DataView(bytes.buffer);
    const directory = bytes.findLastIndex((_, at) => at + 4 < bytes.length && view.getUint32(at, true) === 0x02014b50);
    view.setUint32(directory + 24, admitted, true);
    return bytes;
  }

  it.each([1000, 900_000, 0])("unpacks no more than its directory admits: %d bytes", async (admitted) => {
    const bytes = liar({ "word/document.xml": `<w:p><w:r><w:t>${"ab ".repeat(12_000_000)}` }, admitted);
    await expect(extractText(bytes, "a.docx")).rejects.toThrow(/unpacks to far more/);
  });

  it("is opened where its directory is in the form for large archives, or has a comment after it", async () => {
    const plain = zip({ "word/document.xml": `<w:document><w:p><w:r><w:t>Hello.</w:t></w:r></w:p></w:document>` });
    const [expected] = await extractText(plain, "a.docx");
    expect(expected!.text).toBe("Hello.");
    const commented = Uint8Array.from([...plain, ...strToU8("a comment")]);
    new DataView(commented.buffer).setUint16(plain.length - 2, 9, true);
    expect(await extractText(commented, "a.docx")).toEqual([expected]);
    expect(await extractText(zip64(plain), "a.docx")).toEqual([expected]);
  });
});

/** The same archive of one entry with all numbers in the places for large ones. */
function zip64(plain: Uint8Array): Uint8Array {
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  const endAt = plain.length - 22;
  const directoryAt = view.getUint32(endAt + 16, true);
  const nameLength = view.getUint16(directoryAt + 28, true);
  const large = (...numbers: number[]) => new Uint8Array(BigUint64Array.from(numbers.map(BigInt)).buffer);
  const [size, originalSize] = [view.getUint32(directoryAt + 20, true), view.getUint32(directoryAt + 24, true)];
  const entry = plain.slice(directoryAt, directoryAt + 46 + nameLength);
  const entryView = new DataView(entry.buffer);
  for (const field of [20, 24, 42]) entryView.setUint32(field, 0xffff_ffff, true);
  entryView.setUint16(30, 28, true);
  const extra = [1, 0, 24, 0, ...large(originalSize, size, 0)];
  const end64At = directoryAt + entry.length + extra.length;
  const end64 = new Uint8Array(56);
  new DataView(end64.buffer).setUint32(0, 0x06064b50, true);
  end64.set(large(1, 1, entry.length + extra.length, directoryAt), 24);
  const locator = [0x50, 0x4b, 6, 7, 0, 0, 0, 0, ...large(end64At), 1, 0, 0, 0];
  const end = plain.slice(endAt);
  new DataView(end.buffer).setUint32(16, 0xffff_ffff, true);
  return Uint8Array.from([...plain.subarray(0, directoryAt), ...entry, ...extra, ...end64, ...locator, ...end]);
}
