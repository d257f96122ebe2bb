export type PdfLine = { text: string; size?: number; font?: "F1" | "F2"; x?: number; y: number };

const escaped = (text: string) => text.replace(/[\\()]/g, "\\$&");
const drawn = ({ text, size = 11, font = "F1", x = 72, y }: PdfLine) =>
  `BT /${font} ${size} Tf 1 0 0 1 ${x} ${y} Tm (${escaped(text)}) Tj ET`;

/** The bytes of a PDF with these lines on its pages, in Helvetica (F1) and Courier (F2); and what the trailer adds. */
export function pdfOf(pages: PdfLine[][], trailer = ""): Uint8Array {
  const kids = pages.map((_, at) => `${6 + at * 2} 0 R`).join(" ");
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Count ${pages.length} /Kids [${kids}] >>`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    "<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
    "<< /Font << /F1 3 0 R /F2 4 0 R >> >>",
    ...pages.flatMap((lines, at) => {
      const content = lines.map(drawn).join("\n");
      return [
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources 5 0 R /Contents ${7 + at * 2} 0 R >>`,
        `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
      ];
    }),
  ];
  let file = "%PDF-1.4\n";
  const offsets = objects.map((object, at) => {
    const offset = file.length;
    file += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return String(offset).padStart(10, "0");
  });
  const table = ["0000000000 65535 f ", ...offsets.map((offset) => `${offset} 00000 n `)].join("\n");
  const root = `<< /Size ${objects.length + 1} /Root 1 0 R ${trailer} >>`;
  const end = `xref\n0 ${objects.length + 1}\n${table}\ntrailer\n${root}\nstartxref\n${file.length}\n%%EOF`;
  return Uint8Array.from(file + end, (sign) => sign.charCodeAt(0));
}

/** Lines one under another, from the top of the page. */
export const flowing = (texts: string[], options: Partial<PdfLine> & { top?: number } = {}): PdfLine[] =>
  texts.map((text, at) => ({ ...options, text, y: (options.top ?? 700) - at * 14 }));

/** A PDF of one page whose content is a stream of these bytes, under these filters. */
export function pdfOfStream(data: Uint8Array, filter = "/FlateDecode", dictionary = ""): Uint8Array {
  const latin1 = (text: string) => Uint8Array.from(text, (sign) => sign.charCodeAt(0));
  const head = `%PDF-1.4
1 0 obj
<< /Type /Catalog /Pages 2 0 R >>
endobj
2 0 obj
<< /Type /Pages /Count 1 /Kids [3 0 R] >>
endobj
3 0 obj
<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> /Contents 4 0 R >>
endobj
4 0 obj
<< /Length ${data.length} /Filter ${filter} ${dictionary} >>
stream
`;
  const tail = "\nendstream\nendobj\ntrailer\n<< /Size 5 /Root 1 0 R >>\n%%EOF";
  return Uint8Array.from([...latin1(head), ...data, ...latin1(tail)]);
}
