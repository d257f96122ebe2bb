const decode = (bytes: Uint8Array, encoding: string) => new TextDecoder(encoding).decode(bytes);

const BYTE_ORDER_MARKS: [number[], string][] = [
  [[0xef, 0xbb, 0xbf], "utf-8"],
  [[0xff, 0xfe], "utf-16le"],
  [[0xfe, 0xff], "utf-16be"],
];

const count = (bytes: Uint8Array, is: (byte: number, before: number) => boolean) => {
  let found = 0;
  for (let at = 0; at < bytes.length; at++) if (is(bytes[at]!, bytes[at - 1] ?? 0)) found++;
  return found;
};

/**
 * Old one-byte encodings are told apart by their letters. High ones stand next to each other in Cyrillic words, and alone in
 * Western ones. In each Cyrillic encoding the lowercase letters, which are most, lie elsewhere.
 */
function guessOneByteEncoding(bytes: Uint8Array): string {
  const high = count(bytes, (byte) => byte >= 0x80);
  if (count(bytes, (byte, before) => byte >= 0x80 && before >= 0x80) < high * 0.55) return "windows-1252";
  const upperHalf = count(bytes, (byte) => byte >= 0xe0);
  const middle = count(bytes, (byte) => byte >= 0xc0 && byte < 0xe0);
  const lowest = count(bytes, (byte) => byte >= 0x80 && byte < 0xb0);
  if (lowest > middle + upperHalf / 2) return "ibm866";
  return middle > upperHalf ? "koi8-r" : "windows-1251";
}

/** UTF-16 of mostly Latin letters has a zero in every other byte, even without a mark. */
function looksLikeUtf16(bytes: Uint8Array): "utf-16le" | "utf-16be" | null {
  const sample = bytes.subarray(0, Math.min(bytes.length, 2000) & ~1);
  const zeros = [0, 0];
  for (let at = 0; at < sample.length; at++) if (sample[at] === 0) zeros[at & 1]!++;
  const half = sample.length / 2;
  if (zeros[1]! > half * 0.7 && zeros[0]! < half * 0.05) return "utf-16le";
  if (zeros[0]! > half * 0.7 && zeros[1]! < half * 0.05) return "utf-16be";
  return null;
}

/** A stray bad byte, or a character cut in half at the end, does not make a text something else than UTF-8. */
function isUtf8(bytes: Uint8Array): boolean {
  const text = decode(bytes, "utf-8");
  const bad = text.match(/\uFFFD/g)?.length ?? 0;
  return bad === 0 || bad <= (text.match(/[^\p{ASCII}\uFFFD]/gu)?.length ?? 0) * 0.05;
}

const declaredIn = (bytes: Uint8Array) =>
  /<\?xml[^>]{0,200}encoding=["']([\w-]+)|<meta[^>]{0,200}charset=["']?\s*([\w-]+)/i.exec(
    decode(bytes.subarray(0, 2048), "windows-1252"),
  );

/** The encoding that an HTML or XML page says it is in, if that is one we know. */
function declaredEncoding(bytes: Uint8Array): string | null {
  const found = declaredIn(bytes);
  try {
    return found && new TextDecoder(found[1] ?? found[2]).encoding;
  } catch {
    return null;
  }
}

function encodingOf(bytes: Uint8Array): string {
  const mark = BYTE_ORDER_MARKS.find(([start]) => start.every((byte, at) => bytes[at] === byte));
  if (mark) return mark[1];
  const wide = looksLikeUtf16(bytes);
  if (wide) return wide;
  if (isUtf8(bytes)) return "utf-8";
  return declaredEncoding(bytes) ?? guessOneByteEncoding(bytes);
}

/** Text has hardly any control characters; anything else decodes into many of them. */
function isText(text: string): boolean {
  const sample = text.slice(0, 20_000);
  const strange = sample.match(/(?![\n\r\t\f\v])[\p{Cc}\uFFFD]/gu)?.length ?? 0;
  return strange <= sample.length * 0.01;
}

/** The text of a file in whatever encoding it is; null for a file that is not text. */
export function decodeText(bytes: Uint8Array): string | null {
  const text = decode(bytes, encodingOf(bytes));
  return isText(text) ? text : null;
}
