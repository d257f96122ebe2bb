import { readdirSync, readFileSync } from "node:fs";
import { strToU8, zipSync } from "fflate";
import { flowing, pdfOf } from "../helpers/pdf.ts";

const PAGES = 200;
const LINES = 40;
/** What one page alone says. */
export const ON_PAGE_137 = "The lighthouse keeper of Varna counts seventeen herons.";

/** A PDF of 200 pages that all say much the same. */
function logbook(): Uint8Array {
  const pages = Array.from({ length: PAGES }, (_, page) =>
    Array.from(
      { length: LINES },
      (_line, line) => `Entry ${page * LINES + line}: the sea was calm and the wind came from the west.`,
    ),
  );
  pages[136]![20] = ON_PAGE_137;
  return pdfOf(pages.map((lines) => flowing(lines, { top: 760 })));
}

const paragraph = (text: string, style = "") =>
  `<w:p><w:pPr>${style && `<w:pStyle w:val="${style}"/>`}</w:pPr><w:r><w:t>${text}</w:t></w:r></w:p>`;

/** As a word processor writes a contract, in Russian. */
function contract(): Uint8Array {
  const body =
    paragraph("Договор аренды", "1") +
    paragraph("Арендная плата вносится до пятого числа каждого месяца.") +
    paragraph("Расторжение", "1") +
    paragraph("Арендатор может расторгнуть договор, предупредив хозяина за тридцать дней.");
  return zipSync({
    "[Content_Types].xml": strToU8("<Types/>"),
    "word/styles.xml": strToU8(`<w:styles><w:style w:styleId="1"><w:name w:val="heading 1"/></w:style></w:styles>`),
    "word/document.xml": strToU8(`<w:document><w:body>${body}</w:body></w:document>`),
  });
}

/** A long PDF, a DOCX, and the folder of this project's documentation. */
export function libraryFiles(): { name: string; bytes: Uint8Array }[] {
  const docs = readdirSync("docs").filter((name) => name.endsWith(".md"));
  return [
    { name: "logbook.pdf", bytes: logbook() },
    { name: "contract.docx", bytes: contract() },
    ...docs.map((name) => ({ name, bytes: readFileSync(`docs/${name}`) })),
  ];
}
