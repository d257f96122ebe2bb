import { Inflate } from "fflate";
import { Pace } from "../../lib/pace.ts";
import { UnreadableDocument } from "../blocks.ts";

const BOMB = "The PDF unpacks to far more than a document holds, and is not opened.";

const LIMITS = {
  /** Of one stream of text or fonts, which the engine holds in memory whole; and of all of them. */
  streamBytes: 40_000_000,
  textBytes: 100_000_000,
  /** With pictures, which are not unpacked for their text. */
  totalBytes: 600_000_000,
  /** No picture of something compresses so well. */
  pictureRatio: 500,
};

/** So much is unpacked before others are let in. */
const BYTES_AT_ONCE = 1_000_000;

/**
 * Refuses a PDF with streams that unpack to far more than they should, which the engine would try to hold. What is wrapped
 * in other encodings than deflate is left to the limits on pages and characters.
 */
export async function refusePdfBomb(bytes: Uint8Array): Promise<void> {
  const pace = new Pace(BYTES_AT_ONCE);
  let [text, all] = [0, 0];
  for (const { data, isPicture } of streamsIn(bytes)) {
    const size = unpackedSize(data, isPicture);
    [text, all] = [text + (isPicture ? 0 : size), all + size];
    if (text > LIMITS.textBytes || all > LIMITS.totalBytes) throw new UnreadableDocument(BOMB);
    await pace.after(size);
  }
}

/**
 * The deflated streams of a PDF, each with all that follows it: where one ends it says itself, and what the file says may
 * be a lie. A picture says so in the dictionary before it.
 */
function* streamsIn(bytes: Uint8Array): Generator<{ data: Uint8Array; isPicture: boolean }> {
  for (let at = indexOf(bytes, "stream", 0); at >= 0; at = indexOf(bytes, "stream", at + 6)) {
    const data = bytes.subarray(at + (bytes[at + 6] === 13 ? 8 : 7));
    if (isDeflated(data)) yield { data, isPicture: /\/Subtype\s*\/Image\b/.test(dictionaryBefore(bytes, at)) };
  }
}

const LONGEST_DICTIONARY = 500;

const dictionaryBefore = (bytes: Uint8Array, at: number) => {
  const text = String.fromCharCode(...bytes.subarray(Math.max(0, at - LONGEST_DICTIONARY), at));
  return text.slice(text.lastIndexOf("obj") + 1);
};

function indexOf(bytes: Uint8Array, word: string, from: number): number {
  const first = word.charCodeAt(0);
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    let matched = 1;
    while (matched < word.length && bytes[at + matched] === word.charCodeAt(matched)) matched += 1;
    if (matched === word.length) return at;
  }
  return -1;
}

const isDeflated = ([method = 0, flags = 0]: Uint8Array) => (method & 15) === 8 && (method * 256 + flags) % 31 === 0;

const PIECE_BYTES = 16_384;

/** How much a stream unpacks to, and what comes of it once more, where that is deflated too. */
function unpackedSize(data: Uint8Array, isPicture: boolean): number {
  const nested: Uint8Array[] = [];
  let [size, taken] = [0, 2];
  const inflate = new Inflate((piece) => {
    if (nested.length > 0 || (size === 0 && isDeflated(piece))) nested.push(piece);
    size += piece.length;
    const most = isPicture && nested.length === 0 ? taken * LIMITS.pictureRatio : 0;
    if (size > Math.max(LIMITS.streamBytes, most)) throw new UnreadableDocument(BOMB);
  });
  for (let before = -1; taken < data.length && size > before; taken += PIECE_BYTES) {
    before = size;
    if (!pushed(inflate, data.subarray(taken, taken + PIECE_BYTES))) break;
  }
  return nested.length > 0 ? size + unpackedSize(joined(nested, size), isPicture) : size;
}

/** False: what comes here is damaged, of which the engine says what it thinks. */
function pushed(inflate: Inflate, piece: Uint8Array): boolean {
  try {
    inflate.push(piece);
    return true;
  } catch (error) {
    if (error instanceof UnreadableDocument) throw error;
    return false;
  }
}

function joined(pieces: Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
