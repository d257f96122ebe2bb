/** At most `limit` UTF-16 units of a text, never ending in half a character. */
export const truncate = (text: string, limit: number) =>
  text.length <= limit ? text : text.slice(0, limit).replace(/[\uD800-\uDBFF]$/, "");

/**
 * Decodes UTF-8 that arrives in pieces, whatever is cut where. A piece that ends in a whole character, as the lines of an
 * event stream do, takes the way that costs a fraction of a streaming decoder's.
 */
export class PieceDecoder {
  readonly #whole = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  readonly #cut = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  #isCut = false;

  decode(bytes: Uint8Array): string {
    const endsWhole = bytes.length === 0 || bytes[bytes.length - 1]! < 0x80;
    if (endsWhole && !this.#isCut) return this.#whole.decode(bytes);
    this.#isCut = !endsWhole;
    return this.#cut.decode(bytes, { stream: true });
  }
}
