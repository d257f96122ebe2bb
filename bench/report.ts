import { writeFileSync } from "node:fs";
import { spreadOf, type Spread } from "./statistics.ts";

/** What is aimed at: for the ratio to the bare limit, for Parley's own figure, or for what it adds to the limit's. */
export type Wanted = { ratioAtLeast: number } | { ratioAtMost: number } | { atLeast: number } | { atMost: number };

/** One figure of one kind of work, with a value for each round. */
export type Row = {
  work: string;
  figure: string;
  unit: string;
  parley: number[];
  bare?: number[];
  wanted?: Wanted;
};

type Result = Omit<Row, "parley" | "bare"> & {
  parley: Spread;
  bare: Spread | null;
  ratio: number | null;
  reached: boolean | null;
};

export function resultOf({ parley, bare, ...row }: Row): Result {
  const [ours, limit] = [spreadOf(parley), bare ? spreadOf(bare) : null];
  const ratio = limit && limit.median > 0 ? ours.median / limit.median : null;
  return { ...row, parley: ours, bare: limit, ratio, reached: isReached(row.wanted, ours.median, ratio ?? NaN) };
}

function isReached(wanted: Wanted | undefined, value: number, ratio: number): boolean | null {
  if (!wanted) return null;
  if ("ratioAtLeast" in wanted) return ratio >= wanted.ratioAtLeast;
  if ("ratioAtMost" in wanted) return ratio <= wanted.ratioAtMost;
  return "atLeast" in wanted ? value >= wanted.atLeast : value <= wanted.atMost;
}

const HEAD = ["work", "figure", "Parley", "bare limit", "ratio", "wanted"];

/** Markdown, as it may stand in a document. */
export function tableOf(results: Result[]): string {
  const lines = results.map(cellsOf);
  const widths = HEAD.map((head, column) => Math.max(head.length, ...lines.map((cells) => cells[column]!.length)));
  const line = (cells: string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  return [line(HEAD), line(widths.map((width) => "-".repeat(width))), ...lines.map(line)].join("\n");
}

export const cellsOf = ({ work, figure, unit, parley, bare, ratio, wanted, reached }: Result): string[] => [
  work,
  `${figure}, ${unit}`,
  spreadText(parley),
  bare ? spreadText(bare) : "",
  ratio === null ? "" : ratio.toFixed(2),
  wanted ? `${wantedText(wanted)}${reached ? "" : " MISSED"}` : "",
];

function spreadText({ median, low, high }: Spread): string {
  if (low === high) return digits(median);
  return `${digits(median)} (${digits(low)}–${digits(high)})`;
}

/** Three digits that say something. */
function digits(value: number): string {
  if (!Number.isFinite(value)) return "none";
  const size = Math.abs(value);
  return value === 0 ? "0" : value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

function wantedText(wanted: Wanted): string {
  if ("ratioAtLeast" in wanted) return `ratio >= ${wanted.ratioAtLeast}`;
  if ("ratioAtMost" in wanted) return `ratio <= ${wanted.ratioAtMost}`;
  return "atLeast" in wanted ? `>= ${wanted.atLeast}` : `<= ${wanted.atMost}`;
}

export function writeResults(path: string, machine: object, results: Result[]): void {
  writeFileSync(path, `${JSON.stringify({ ...machine, results }, null, 2)}\n`);
}
