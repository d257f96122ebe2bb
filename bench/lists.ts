import { defineBench, inTurn, type Bench, type Setting } from "./bench.ts";
import { fillThreads, WORDS } from "./many-threads.ts";
import { timesOf } from "./requests.ts";
import type { Row, Wanted } from "./report.ts";
import { median, percentile } from "./statistics.ts";
import { startBare, startParley, type Subject } from "./subjects.ts";

const COUNTS = [10_000, 100_000];
const QUESTIONS = 60;
const PAGE = 50;

type Stage = Setting & { parley: Subject; bare: Subject; stop: () => Promise<void> };
type Question = { title: string; parley: (number: number) => string; bare: (number: number) => string };

const wordOf = (number: number) => WORDS[(number * 7) % WORDS.length]!;

const QUESTIONS_ASKED: ((stage: Stage) => Question)[] = [
  ({ bare }) => ({
    title: "thread list",
    parley: () => `/threads?limit=${PAGE}`,
    bare: () => `/threads/${bare.projectId}`,
  }),
  ({ bare }) => ({
    title: "message search",
    parley: (number) => `/threads?limit=${PAGE}&search=${wordOf(number)}`,
    bare: (number) => `/found/${bare.projectId}?search=${wordOf(number)}`,
  }),
];

/** Lists and searches of one project beside the bare queries over the same rows. */
export const lists: Bench = defineBench<Stage>({
  name: "lists",
  async open(setting) {
    const options = { folder: setting.folder, state: setting.state, upstreamUrl: "http://127.0.0.1:9/v1" };
    const [parley, bare] = [await startParley(options), await startBare(options)];
    return { ...setting, parley, bare, stop: async () => void (await Promise.all([parley.stop(), bare.stop()])) };
  },
  works: COUNTS.map((count) => ({
    title: `lists of ${count.toLocaleString("en")} threads`,
    measure: (stage) => measure(stage, count),
  })),
});

async function measure(stage: Stage, count: number): Promise<Row[]> {
  for (const { miniflare, ...seat } of [stage.parley, stage.bare])
    await fillThreads(await miniflare.getD1Database("DB"), { ...seat, count });
  const rows: Row[] = [];
  for (const questionOf of QUESTIONS_ASKED) rows.push(...(await ask(stage, questionOf(stage), count)));
  return rows;
}

async function ask(stage: Stage, question: Question, count: number): Promise<Row[]> {
  const { parley, bare } = stage;
  const [ours, limit] = await inTurn(stage.rounds, [parley, bare], ({ name, url, key }) =>
    timesOf(QUESTIONS, (number) => ({ url: url + question[name](number), key })),
  );
  const row = (figure: string, of: (times: number[]) => number, wanted: Wanted): Row => ({
    work: `${question.title} over ${count.toLocaleString("en")} threads`,
    figure,
    unit: "ms",
    parley: ours!.map(of),
    bare: limit!.map(of),
    wanted,
  });
  return [row("p50", median, { ratioAtMost: 2 }), row("p99", (times) => percentile(times, 0.99), { ratioAtMost: 2 })];
}
