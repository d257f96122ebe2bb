/** A character for each byte. */
const text = (bytes: Uint8Array) => String.fromCharCode(...bytes);

const startsWith = (bytes: Uint8Array, start: string, at = 0) => text(bytes.subarray(at, at + start.length)) === start;

export type BinaryFormat =
  | "pdf"
  | "zip"
  | "rtf"
  | "ole"
  | "image"
  | "sound"
  | "video"
  | "archive"
  | "program"
  | "database";

const STARTS: [string, BinaryFormat][] = [
  ["PK\x03\x04", "zip"],
  ["PK\x05\x06", "zip"],
  ["\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "ole"],
  ["\x89PNG", "image"],
  ["\xFF\xD8\xFF", "image"],
  ["GIF8", "image"],
  ["II*\0", "image"],
  ["MM\0*", "image"],
  ["\0\0\x01\0", "image"],
  ["8BPS", "image"],
  ["ID3", "sound"],
  ["OggS", "sound"],
  ["fLaC", "sound"],
  ["\x1A\x45\xDF\xA3", "video"],
  ["\x1F\x8B", "archive"],
  ["BZh", "archive"],
  ["7z\xBC\xAF\x27\x1C", "archive"],
  ["Rar!", "archive"],
  ["\xFD7zXZ", "archive"],
  ["\x28\xB5\x2F\xFD", "archive"],
  ["\x7FELF", "program"],
  ["MZ", "program"],
  ["SQLite format 3\0", "database"],
];

/** Nothing but visible signs: the words "GIF8" and "%PDF-" may begin a text as well. */
const isPlain = (bytes: Uint8Array) => !/(?![\n\r\t])\p{Cc}|[^\p{ASCII}]/u.test(text(bytes.subarray(0, 256)));

const boxFormat = (brand: string): BinaryFormat => (/^(?:heic|heix|mif1|avif)/.test(brand) ? "image" : "video");
const riffFormat = (kind: string): BinaryFormat => (kind === "WEBP" ? "image" : kind === "WAVE" ? "sound" : "video");

/** What the first bytes say a file is; null if it may be text. */
export function binaryFormat(bytes: Uint8Array): BinaryFormat | null {
  if (startsWith(bytes, "%PDF-")) return "pdf";
  if (startsWith(bytes, "{\\rtf")) return "rtf";
  if (isPlain(bytes)) return null;
  const kind = text(bytes.subarray(8, 12));
  if (startsWith(bytes, "ftyp", 4)) return boxFormat(kind);
  if (startsWith(bytes, "RIFF")) return riffFormat(kind);
  const found = STARTS.find(([start]) => startsWith(bytes, start))?.[1];
  return found ?? (text(bytes.subarray(0, 1024)).includes("%PDF-") ? "pdf" : null);
}

/** Why a file of a kind that holds no text for us cannot be read. */
export const UNREADABLE = {
  image: "The file is a picture. Text in pictures is not read; add the text itself, or a PDF with a text layer.",
  sound: "The file is a sound recording. Add a transcript of it instead.",
  video: "The file is a video. Add a transcript of it instead.",
  archive: "The file is a compressed archive. Unpack it and add the documents in it.",
  program: "The file is a program, not a document.",
  database: "The file is a database, not a document. Export the data as CSV or JSON.",
} as const satisfies Partial<Record<BinaryFormat, string>>;

const CODE =
  /\.(?:[cm]?[jt]sx?|py|rb|go|rs|java|kt|swift|c|h|cc|cpp|hpp|cs|php|sh|bash|sql|css|scss|ya?ml|toml|ini|conf|env|xml|xsl|svelte|vue|lua|pl|r|scala|dart|tf|proto|graphql)$/i;

export const isNamedCode = (filename: string) => CODE.test(filename);
export const isNamedTable = (filename: string) => /\.[ct]sv$|\.tab$/i.test(filename);

export const isHtml = (source: string) =>
  /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body|meta|title|article|main|section|div|h1|p|table)[\s>]/i.test(
    source.slice(0, 5000),
  );

/** Signs that only Markdown has; a text named .md or .mdx is believed without them. */
export const isMarkdown = (source: string, filename: string) =>
  /\.(?:md|mdx|markdown|mdown)$/i.test(filename) ||
  /^ {0,3}#{1,6} \S|^ {0,3}(?:```|~~~)|^\|?[ :]*-{3,}[ :]*\|[-:| ]*$|^\S.*\n={3,}\s*$|\]\(https?:\/\//m.test(
    source.slice(0, 100_000),
  );
