import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** An address that cannot be reached: whoever called it is told, and says it where it belongs. */
const UNREACHABLE =
  /kj\/async-io\S* (failed: DNS lookup failed|\S*connect|\S*: Connection refused|\S*Network is unreachable)/;
const ADDRESSES = /^\s*stack: \S*workerd@/;

/** Passes on what a server logs, but for workerd's own words, with addresses in its memory, about hosts that it cannot reach. */
export function passOnQuietly(log: Readable, to: Writable): void {
  let hasLeftOut = false;
  createInterface({ input: log }).on("line", (line) => {
    const isLeftOut = UNREACHABLE.test(line) || ADDRESSES.test(line) || (hasLeftOut && line.trim() === "");
    if (!isLeftOut) to.write(`${line}\n`);
    hasLeftOut = isLeftOut;
  });
}
