import type * as PdfEngine from "./pdfjs.mjs";

export type { Document, OutlineNode, TextContent, TextItem } from "./pdfjs.mjs";

/** Not spelled out in the import: the bundler would follow it and take the module in. */
const MODULE = "./pdfjs.mjs";

/** PDF.js is larger than all the rest: a module of its own, next to the bundle, that is loaded with the first PDF. */
export const loadPdfEngine = () => import(/* @vite-ignore */ MODULE) as Promise<typeof PdfEngine>;
