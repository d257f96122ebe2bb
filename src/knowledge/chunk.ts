import { type Block, blockSpans } from "./blocks.ts";
import { type Unit, unitsOf } from "./chunk-units.ts";

export type Chunk = {
  /** A slice of `documentText(blocks)`; one that begins within a table has the table's header before it. */
  text: string;
  /** The titles above the chunk's content, outermost first: those that hold for all of it. */
  headings: string[];
  /** Where in the source its content lies, such as "page 3", "pages 3-4" or "sheet Prices". */
  place: string | null;
  /** Which characters of `documentText(blocks)` the chunk covers, with those that it shares with the one before. */
  start: number;
  end: number;
};

export type ChunkOptions = { maxTokens: number; overlapTokens: number };

/** A section smaller than this share of a chunk is kept together with what follows it. */
const SMALL_SECTION = 1 / 4;
/** A chunk that is at least so full ends where a block does, rather than within the next one. */
const FULL_ENOUGH = 1 / 2;
/** More overlap than this would make chunks that are mostly the one before. */
const MOST_OVERLAP = 1 / 2;

/** The first unit that the chunk has no room for, or that begins a section which deserves its own. */
function reach(units: Unit[], from: number, max: number): number {
  let weight = units[from]!.headerWeight;
  let hasContent = false;
  for (let at = from; at < units.length; at++) {
    const unit = units[at]!;
    if (unit.isHeading && hasContent && weight >= max * SMALL_SECTION) return at;
    weight += unit.weight;
    if (weight > max && at > from) return at;
    hasContent ||= !unit.isHeading;
  }
  return units.length;
}

/** Where a chunk that reaches so far best ends: not within a block if that costs little, and never right after a heading. */
function endOf(units: Unit[], from: number, reached: number, max: number): number {
  let end = reached;
  if (end < units.length && !units[end]!.isFirst) {
    let weight = 0;
    for (let at = from; at < reached; at++) {
      if (units[at]!.isFirst && weight >= max * FULL_ENOUGH) end = at;
      weight += units[at]!.weight;
    }
  }
  let beforeHeadings = end;
  if (end < units.length) while (beforeHeadings > from && units[beforeHeadings - 1]!.isHeading) beforeHeadings--;
  return beforeHeadings > from ? beforeHeadings : end;
}

/** Goes back from where a chunk ended as far as the overlap allows: within the section, over text, never over tables. */
function overlapStart(units: Unit[], from: number, end: number, max: number, overlap: number): number {
  if (end >= units.length || units[end]!.isHeading) return end;
  const room = Math.min(overlap, max - units[end]!.weight - units[end]!.headerWeight);
  let start = end;
  for (let weight = 0; start - 1 > from; start--) {
    const before = units[start - 1]!;
    weight += before.weight;
    if (weight > room || before.isHeading || before.isTable) break;
  }
  return start;
}

/** The titles above each block, its own included if it is one. */
function headingPaths(blocks: Block[]): string[][] {
  let path: { level: number; text: string }[] = [];
  return blocks.map((block) => {
    if (block.kind === "heading") path = [...path.filter(({ level }) => level < block.level), block];
    return path.map(({ text }) => text);
  });
}

function commonStart(paths: string[][]): string[] {
  const [first = [], ...others] = paths;
  const differs = first.findIndex((title, at) => others.some((path) => path[at] !== title));
  return differs < 0 ? first : first.slice(0, differs);
}

function placeOf(blocks: Block[]): string | null {
  const places = blocks.flatMap(({ place }) => place ?? []);
  const [first, last] = [places[0], places.at(-1)];
  if (!first || !last || first === last) return first ?? null;
  const [from, to] = [first, last].map((place) => /^page (\d+)$/.exec(place)?.[1]);
  return from && to ? `pages ${from}-${to}` : `${first} to ${last}`;
}

/**
 * Cuts a document into pieces to search: along its sections, then blocks, then sentences. Deterministic. No chunk is estimated
 * above `maxTokens`, whatever the document is made of; the next one repeats at most `overlapTokens` of the one before. Others
 * are let in meanwhile.
 */
export async function chunkBlocks(blocks: Block[], options: ChunkOptions): Promise<Chunk[]> {
  const max = Math.max(16, options.maxTokens);
  const overlap = Math.min(options.overlapTokens, max * MOST_OVERLAP);
  const source = blockSpans(blocks)
    .map(({ text }) => text)
    .join("");
  const paths = headingPaths(blocks);
  const units = await unitsOf(blocks, max);
  const chunks: Chunk[] = [];
  for (let from = 0, end = 0; end < units.length; from = overlapStart(units, from, end, max, overlap)) {
    end = endOf(units, from, reach(units, from, max), max);
    chunks.push(chunkOf(units.slice(from, end), source, blocks, paths));
  }
  return chunks;
}

function chunkOf(units: Unit[], source: string, blocks: Block[], paths: string[][]): Chunk {
  const [first, last] = [units[0]!, units.at(-1)!];
  const body = source.slice(first.start, last.start + last.text.length).trimEnd();
  const content = units.some(({ isHeading }) => !isHeading) ? units.filter(({ isHeading }) => !isHeading) : units;
  const covered = [...new Set(content.map(({ block }) => block))];
  return {
    text: first.header + body,
    headings: commonStart(covered.map((block) => paths[block]!)),
    place: placeOf(covered.map((block) => blocks[block]!)),
    start: first.start,
    end: first.start + body.length,
  };
}
