import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { takeTurns, type Target } from "./load.ts";
import { cpuSeconds, memoryMegabytes } from "./processes.ts";
import { gzipBytes, startBare, startParley, turnsForMessages, type Subject } from "./subjects.ts";
import { Upstream } from "./upstream.ts";

/**
 * Turns of Parley, as it is deployed, beside those of a bare Durable Object that does the least for the same promise. Both
 * take turns in turn, several rounds of them; what counts is the ratio.
 */
const { values: given } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    turns: { type: "string", default: "600" },
    only: { type: "string", default: "" },
  },
});
const [rounds, turns] = [Number(given.rounds), Number(given.turns)];
const CHUNKS = 32;
const LONG_STREAM = 5000;
const EARLIER_MESSAGES = 50;

type Work = { title: string; concurrency: number; chunks: number; turns: number; target: (subject: Subject) => Target };
type Figures = { turnsPerSecond: number; firstTokenMs: number; slowestMs: number; cpuMs: number };

const fresh = (subject: Subject) => subject.newThreads();
const works: Work[] = [
  { title: "1 at a time", concurrency: 1, chunks: CHUNKS, turns: turns / 4, target: fresh },
  { title: "32 at a time", concurrency: 32, chunks: CHUNKS, turns, target: fresh },
  { title: "64 at a time", concurrency: 64, chunks: CHUNKS, turns, target: fresh },
  {
    title: `32, ${EARLIER_MESSAGES} messages`,
    concurrency: 32,
    chunks: CHUNKS,
    turns,
    target: ({ oldThreads }) => oldThreads,
  },
  { title: `${LONG_STREAM} chunks`, concurrency: 1, chunks: LONG_STREAM, turns: 2, target: fresh },
];

const folder = mkdtempSync(join(tmpdir(), "parley-bench-"));
const upstream = await Upstream.start({ chunks: CHUNKS, firstTokenMs: 0, intervalMs: 0 });
const subjects: Subject[] = [];
try {
  for (const start of [startParley, startBare]) subjects.push(await start({ folder, upstreamUrl: upstream.url }));
  for (const subject of subjects) await warmUp(subject);
  for (const work of works) if (work.title.startsWith(given.only)) await compare(work);
  for (const { name, pid, bundle } of subjects) {
    console.log(
      `${name}: bundle ${(gzipBytes(bundle) / 1000).toFixed(0)} KB gzip, memory ${memoryMegabytes(pid).toFixed(0)} MB`,
    );
  }
} finally {
  await Promise.all(subjects.map((subject) => subject.stop()));
  upstream.stop();
  rmSync(folder, { recursive: true });
}

/** Gives the old threads their messages, which also lets both be compiled. */
async function warmUp(subject: Subject): Promise<void> {
  const load = { turns: turnsForMessages(EARLIER_MESSAGES), concurrency: 32, chunks: CHUNKS };
  await takeTurns(subject.oldThreads, load);
}

async function compare(work: Work): Promise<void> {
  await upstream.answer({ chunks: work.chunks, firstTokenMs: 0, intervalMs: 0 });
  const figures = new Map<string, Figures[]>(subjects.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) figures.get(subject.name)!.push(await measure(subject, work));
  }
  console.log(`\n${work.title}`);
  for (const [name, rows] of figures) console.log(`  ${name.padEnd(7)} ${line(rows, work)}`);
  const [parley, bare] = [...figures.values()].map((rows) => median(rows.map((row) => row.turnsPerSecond)));
  console.log(`  ratio   ${(parley! / bare!).toFixed(2)}`);
}

async function measure(subject: Subject, work: Work): Promise<Figures> {
  const before = cpuSeconds(subject.pid);
  const { turnsPerSecond, firstTokenMs } = await takeTurns(work.target(subject), work);
  const sorted = firstTokenMs.toSorted((a, b) => a - b);
  return {
    turnsPerSecond,
    firstTokenMs: sorted[Math.floor(sorted.length / 2)]!,
    slowestMs: sorted[Math.floor(sorted.length * 0.99)]!,
    cpuMs: ((cpuSeconds(subject.pid) - before) / work.turns) * 1000,
  };
}

function line(rows: Figures[], { chunks }: Work): string {
  const of = (figure: keyof Figures, digits: number, scale = 1) => {
    const values = rows.map((row) => row[figure] * scale);
    const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
    return `${median(values).toFixed(digits).padStart(7)} (${low}–${high})`;
  };
  return [
    `${of("turnsPerSecond", 0, chunks === LONG_STREAM ? chunks : 1)} ${chunks === LONG_STREAM ? "chunks/s" : "turns/s"}`,
    `first token ${of("firstTokenMs", 1)} ms, p99 ${of("slowestMs", 1)} ms`,
    `CPU ${of("cpuMs", 2)} s per 1,000 turns`,
  ].join("   ");
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
