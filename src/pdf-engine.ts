export type { Document, OutlineNode, TextContent, TextItem } from "./pdfjs.mjs";

/** PDF.js is larger than all the rest: a module of its own, next to the bundle, that is loaded with the first PDF. */
export const loadPdfEngine = () => import("./pdfjs.mjs");
