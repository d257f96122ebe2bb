import { UnreadableDocument } from "../blocks.ts";

/** What one document may cost. All are far above what people write, and far below what harms a server. */
export const LIMITS = {
  characters: 5_000_000,
  blocks: 200_000,
  pages: 5_000,
  /** Of a compressed document, when inflated: all entries that are read. */
  inflatedBytes: 50_000_000,
  zipEntries: 10_000,
  /** XML and text compress by ten or twenty; a bomb by a thousand. Only large entries are judged by it. */
  inflationRatio: 200,
};

export const tooLong = () =>
  new UnreadableDocument("The document is too long: at most 5 million characters of text can be read. Split it.");
