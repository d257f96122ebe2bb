import { unzipSync, type UnzipFileInfo } from "fflate";
import { UnreadableDocument } from "../blocks.ts";
import { decodeText } from "./decode-text.ts";
import { LIMITS } from "./limits.ts";

const BOMB = "The file unpacks to far more than a document holds, and is not opened.";
const DAMAGED = "The file is damaged: its contents cannot be unpacked.";
/** Small entries may well be very repetitive. */
const JUDGED_BYTES = 1_000_000;

const isBomb = ({ originalSize, size }: UnzipFileInfo) =>
  originalSize > JUDGED_BYTES && originalSize > size * LIMITS.inflationRatio;

/** A compressed document. Nothing in it is unpacked but what is asked for, and no more than its directory admitted. */
export class Archive {
  readonly #bytes: Uint8Array;
  readonly names: string[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#unzip(({ name }) => {
      if (this.names.push(name) > LIMITS.zipEntries) throw new UnreadableDocument(BOMB);
      return false;
    });
  }

  has = (name: string) => this.names.includes(name);

  /** The texts of all entries whose names match, by their names. */
  read(names: RegExp): Map<string, string> {
    let total = 0;
    const found = this.#unzip((entry) => {
      if (!names.test(entry.name)) return false;
      total += entry.originalSize;
      if (total > LIMITS.inflatedBytes || isBomb(entry)) throw new UnreadableDocument(BOMB);
      return true;
    });
    return new Map(Object.entries(found).map(([name, bytes]) => [name, decodeText(bytes) ?? ""]));
  }

  #unzip(filter: (entry: UnzipFileInfo) => boolean): Record<string, Uint8Array> {
    try {
      return unzipSync(this.#bytes, { filter });
    } catch (error) {
      throw error instanceof UnreadableDocument ? error : new UnreadableDocument(DAMAGED, { cause: error });
    }
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
