/** As much of PDF.js as we use. */
export type TextItem = {
  str: string;
  transform: number[];
  width: number;
  height: number;
  fontName: string;
  hasEOL: boolean;
};
export type TextContent = { items: (TextItem | { type: string })[]; styles: Record<string, { fontFamily: string }> };
export type OutlineNode = { title: string; items: OutlineNode[] };
export type Page = {
  view: number[];
  getTextContent(options: { includeMarkedContent: false; disableNormalization: boolean }): Promise<TextContent>;
  cleanup(): boolean;
};
export type Document = {
  numPages: number;
  getPage(number: number): Promise<Page>;
  getOutline(): Promise<OutlineNode[] | null>;
};
export function getDocument(source: Record<string, unknown>): { promise: Promise<Document>; destroy(): Promise<void> };
