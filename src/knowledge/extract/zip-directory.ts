/** A file in a ZIP archive, as the archive's directory describes it. */
export type ZipEntry = { name: string; method: number; size: number; originalSize: number; headerAt: number };

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
/** Where a number did not fit: it stands in the entry's extra field. */
const ELSEWHERE = 0xffff_ffff;

/** Throws a RangeError where the archive is cut short or no archive. */
export function* readDirectory(bytes: Uint8Array): Generator<ZipEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let { at, count } = startOf(view);
  for (; count > 0; count--) {
    if (view.getUint32(at, true) !== ENTRY) throw new RangeError("no entry");
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const extraAt = at + 46 + nameLength!;
    yield {
      name: nameIn(bytes, at + 46, nameLength!),
      method: view.getUint16(at + 10, true),
      ...numbersOf(view, at, extraAt, extraLength!),
    };
    at = extraAt + extraLength! + commentLength!;
  }
}

/** The compressed bytes of an entry. */
export function dataOf(bytes: Uint8Array, { headerAt, size }: ZipEntry): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(headerAt, true) !== LOCAL) throw new RangeError("no local header");
  const at = headerAt + 30 + view.getUint16(headerAt + 26, true) + view.getUint16(headerAt + 28, true);
  if (at + size > bytes.length) throw new RangeError("cut short");
  return bytes.subarray(at, at + size);
}

/** The archive may be followed by a comment of up to 64 kB. */
function startOf(view: DataView): { at: number; count: number } {
  const last = view.byteLength - 22;
  for (let at = last; at >= 0 && at >= last - 0xffff; at--) {
    if (view.getUint32(at, true) === END)
      return startOf64(view, at) ?? { count: view.getUint16(at + 10, true), at: view.getUint32(at + 16, true) };
  }
  throw new RangeError("no directory");
}

function startOf64(view: DataView, endAt: number): { at: number; count: number } | null {
  if (endAt < 20 || view.getUint32(endAt - 20, true) !== LOCATOR_64) return null;
  const at = numberAt(view, endAt - 12);
  if (view.getUint32(at, true) !== END_64) throw new RangeError("no directory");
  return { count: numberAt(view, at + 32), at: numberAt(view, at + 48) };
}

function numbersOf(view: DataView, at: number, extraAt: number, extraLength: number) {
  const numbers = { originalSize: 24, size: 20, headerAt: 42 };
  const found = { originalSize: 0, size: 0, headerAt: 0 };
  let large = largeNumbersAt(view, extraAt, extraLength);
  for (const name of ["originalSize", "size", "headerAt"] as const) {
    found[name] = view.getUint32(at + numbers[name], true);
    if (found[name] !== ELSEWHERE || large === null) continue;
    found[name] = numberAt(view, large);
    large += 8;
  }
  return found;
}

/** Where the extra field with numbers of 64 bits has them. */
function largeNumbersAt(view: DataView, extraAt: number, extraLength: number): number | null {
  for (let at = extraAt; at + 4 <= extraAt + extraLength; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) === 1) return at + 4;
  }
  return null;
}

const numberAt = (view: DataView, at: number) => Number(view.getBigUint64(at, true));

const nameIn = (bytes: Uint8Array, at: number, length: number) =>
  new TextDecoder().decode(bytes.subarray(at, at + length));
