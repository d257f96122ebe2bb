import { hitsAt, interval, reciprocalRank, separation, signTest, type Outcome } from "./measures.ts";
import type { Language } from "./questions.ts";

/** What each way of searching answered to one question. */
export type Row = { language: Language; isAnswerable: boolean; outcomes: Record<string, Outcome> };

type Group = { name: string; rows: Row[] };

const COMPARED = [
  ["stems", "words"],
  ["served", "stems"],
  ["equal", "stems"],
  ["served", "vectors"],
] as const;

/** For each language and all of them: what each way finds, and whether one finds more than another. */
export function reportOn(rows: Row[], model: string): string {
  const groups = groupsOf(rows);
  const ways = Object.keys(rows[0]!.outcomes);
  const unanswerable = rows.filter(({ isAnswerable }) => !isAnswerable).length;
  return [
    `${rows.length} questions, ${unanswerable} of them without an answer; ${model}`,
    `${"".padEnd(14)}  hit@1        hit@5 (95 %)       MRR          AUC (95 %)`,
    ...groups.flatMap((group) => ways.map((way) => line(group, way))),
    ...COMPARED.flatMap(([a, b]) => groups.map((group) => comparison(group, a, b))),
  ].join("\n");
}

/** For programs: what the server finds, and what its words alone would find. */
export type Figures = { language: string; served: number; words: number; separation: number };

export const figuresOf = (rows: Row[]): Figures[] =>
  groupsOf(rows).map(({ name, rows: group }) => ({
    language: name,
    served: hitsAt(outcomesOf(group, "served", true), 5),
    words: hitsAt(outcomesOf(group, "stems", true), 5),
    separation: separationOf(group, "served"),
  }));

const groupsOf = (rows: Row[]): Group[] =>
  [...new Set(rows.map(({ language }) => language)), "all"].map((name) => ({
    name,
    rows: name === "all" ? rows : rows.filter(({ language }) => language === name),
  }));

const percent = (share: number) => (share * 100).toFixed(1);
const outcomesOf = (rows: Row[], way: string, isAnswerable: boolean) =>
  rows.filter((row) => row.isAnswerable === isAnswerable).map(({ outcomes }) => outcomes[way]!);

const separationOf = (rows: Row[], way: string) =>
  separation(outcomesOf(rows, way, true), outcomesOf(rows, way, false));

function line({ name, rows }: Group, way: string): string {
  const answerable = outcomesOf(rows, way, true);
  const [least, most] = interval(answerable, (sample) => hitsAt(sample, 5));
  const separates = (sample: Row[]) => separationOf(sample, way);
  const [low, high] = interval(rows, separates);
  return [
    name.padEnd(4),
    way.padEnd(8),
    percent(hitsAt(answerable, 1)).padStart(6),
    `${percent(hitsAt(answerable, 5))} (${percent(least)}–${percent(most)})`.padStart(20),
    reciprocalRank(answerable).toFixed(3).padStart(7),
    `${separates(rows).toFixed(3)} (${low.toFixed(2)}–${high.toFixed(2)})`.padStart(20),
  ].join("  ");
}

const isHit = ({ rank }: Outcome) => rank !== null && rank <= 5;

function comparison({ name, rows }: Group, a: string, b: string): string {
  const answerable = rows.filter((row) => row.isAnswerable);
  const wins = answerable.filter(({ outcomes }) => isHit(outcomes[a]!) && !isHit(outcomes[b]!)).length;
  const losses = answerable.filter(({ outcomes }) => !isHit(outcomes[a]!) && isHit(outcomes[b]!)).length;
  return `${name.padEnd(4)}  ${a} against ${b}: finds ${wins} more, ${losses} fewer, p = ${signTest(wins, losses).toFixed(3)}`;
}
