import { Inflate } from "fflate";
import { UnreadableDocument } from "../blocks.ts";
import { decodeText } from "./decode-text.ts";
import { LIMITS } from "./limits.ts";
import { dataOf, readDirectory, type ZipEntry } from "./zip-directory.ts";

const BOMB = "The file unpacks to far more than a document holds, and is not opened.";
const DAMAGED = "The file is damaged: its contents cannot be unpacked.";
/** Small entries may well be very repetitive. */
const JUDGED_BYTES = 1_000_000;

const STORED = 0;
const DEFLATED = 8;

const isBomb = ({ originalSize, size }: ZipEntry) =>
  originalSize > JUDGED_BYTES && originalSize > size * LIMITS.inflationRatio;

/** A compressed document. Nothing in it is unpacked but what is asked for, and no more than its directory admitted. */
export class Archive {
  readonly #bytes: Uint8Array;
  readonly #entries = new Map<string, ZipEntry>();
  #unpackedBytes = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    undamaged(() => {
      let count = 0;
      for (const entry of readDirectory(bytes)) {
        if (++count > LIMITS.zipEntries) throw new UnreadableDocument(BOMB);
        this.#entries.set(entry.name, entry);
      }
    });
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  has = (name: string) => this.#entries.has(name);

  /** The texts of all entries whose names match, by their names. */
  read(names: RegExp): Map<string, string> {
    const found = [...this.#entries.values()].filter(({ name }) => names.test(name));
    return new Map(found.map((entry) => [entry.name, decodeText(this.#unpack(entry)) ?? ""]));
  }

  #unpack(entry: ZipEntry): Uint8Array {
    this.#unpackedBytes += entry.originalSize;
    if (this.#unpackedBytes > LIMITS.inflatedBytes || isBomb(entry)) throw new UnreadableDocument(BOMB);
    return undamaged(() => {
      const data = dataOf(this.#bytes, entry);
      if (entry.method === DEFLATED) return inflate(data, entry.originalSize);
      if (entry.method !== STORED) throw new UnreadableDocument(DAMAGED);
      return data;
    });
  }
}

/** Small enough that even a bomb is noticed before it takes much room. */
const PIECE_BYTES = 16_384;

/** Unpacks as much as an entry admits to hold; what turns out to be more is a bomb. */
function inflate(data: Uint8Array, mostBytes: number): Uint8Array {
  const whole = new Uint8Array(mostBytes);
  let size = 0;
  const inflater = new Inflate((piece) => {
    size += piece.length;
    if (size > mostBytes) throw new UnreadableDocument(BOMB);
    whole.set(piece, size - piece.length);
  });
  for (let at = 0; at < data.length; at += PIECE_BYTES) {
    inflater.push(data.subarray(at, at + PIECE_BYTES), at + PIECE_BYTES >= data.length);
  }
  return whole.subarray(0, size);
}

function undamaged<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof UnreadableDocument ? error : new UnreadableDocument(DAMAGED, { cause: error });
  }
}
/** Where the relations of a part lead: from their ids to names in the archive. */
export function relationsIn(source: string | undefined, folder: string): Map<string, string> {
  const targets = new Map<string, string>();
  for (const [, attributes] of (source ?? "").matchAll(/<(?:\w+:)?Relationship\s([^>]*)>/g)) {
    const id = /\bId="([^"]*)"/.exec(attributes!)?.[1];
    const target = /\bTarget="([^"]*)"/.exec(attributes!)?.[1];
    if (id && target) targets.set(id, new URL(target, `file:///${folder}/`).pathname.slice(1));
  }
  return targets;
}
