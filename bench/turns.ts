import { defineBench, inTurn, type Bench, type Setting, type Work } from "./bench.ts";
import { takeTurns, type Target, type Timings } from "./load.ts";
import { cpuSeconds, memoryMegabytes } from "./processes.ts";
import type { Row, Wanted } from "./report.ts";
import { median, percentile } from "./statistics.ts";
import { startBare, startParley, turnsForMessages, type Subject } from "./subjects.ts";
import { Upstream } from "./upstream.ts";

const CHUNKS = 32;
const LONG_STREAM = 5000;
const EARLIER_MESSAGES = 50;
/** The model and the load must be able to do so many times what is measured with them, or they would be what is measured. */
const SPARE = 2;

type Stage = Setting & {
  upstream: Upstream;
  parley: Subject;
  bare: Subject;
  /** Answers a second that the model alone gives to the same load. */
  upstreamPerSecond: number;
  stop: () => Promise<void>;
};
type Shape = {
  title: string;
  concurrency: number;
  chunks?: number;
  share?: number;
  target?: (subject: Subject) => Target;
};
type Figures = Timings & { cpuSeconds: number; memoryMegabytes: number };

const SHAPES: Shape[] = [
  { title: "turns, 1 at a time", concurrency: 1, share: 1 / 4 },
  { title: "turns, 32 at a time", concurrency: 32 },
  { title: "turns, 64 at a time", concurrency: 64 },
  {
    title: `turns, 32 at a time, ${EARLIER_MESSAGES} messages each`,
    concurrency: 32,
    target: ({ oldThreads }) => oldThreads,
  },
  { title: `one answer of ${LONG_STREAM} chunks`, concurrency: 1, chunks: LONG_STREAM },
];

/** Every call of the model is priced: credits are set aside and charged. */
export const turns: Bench = defineBench({
  name: "turns",
  open: (setting) => openStage(setting, {}),
  works: [...SHAPES.map(workOf), { title: "passed on by a Worker, 32 at a time", measure: measurePassed }],
});

export const freeTurns: Bench = defineBench({
  name: "free",
  open: (setting) => openStage(setting, { MODEL_PRICES: '{"default":{"input":0,"output":0}}' }),
  works: [workOf({ title: "turns, 32 at a time, free models", concurrency: 32 })],
});

async function openStage(setting: Setting, bindings: Record<string, string>): Promise<Stage> {
  const upstream = await Upstream.start({ chunks: CHUNKS, firstTokenMs: 0, intervalMs: 0 });
  const options = { folder: setting.folder, state: setting.state, upstreamUrl: upstream.url };
  const [parley, bare] = [await startParley({ ...options, bindings }), await startBare(options)];
  for (const subject of [parley, bare]) await warmUp(subject);
  const { turnsPerSecond } = await takeTurns(upstream.target, {
    turns: setting.turns,
    concurrency: 32,
    chunks: CHUNKS,
  });
  const stop = async () => {
    await Promise.all([parley.stop(), bare.stop()]);
    upstream.stop();
  };
  return { ...setting, upstream, parley, bare, upstreamPerSecond: turnsPerSecond, stop };
}

/** Gives the old threads their messages, which also lets both be compiled. */
async function warmUp(subject: Subject): Promise<void> {
  const load = { turns: turnsForMessages(EARLIER_MESSAGES), concurrency: 32, chunks: CHUNKS };
  await takeTurns(subject.oldThreads, load);
}

function workOf(shape: Shape): Work<Stage> {
  return { title: shape.title, measure: (stage) => compare(stage, shape) };
}

async function compare(
  stage: Stage,
  { title, concurrency, chunks = CHUNKS, share = 1, target }: Shape,
): Promise<Row[]> {
  const isLong = chunks === LONG_STREAM;
  const load = { turns: isLong ? 2 : Math.ceil(stage.turns * share), concurrency, chunks };
  await stage.upstream.answer({ chunks, firstTokenMs: 0, intervalMs: 0 });
  const [parley, bare] = await inTurn(stage.rounds, [stage.parley, stage.bare], async (subject): Promise<Figures> => {
    const before = cpuSeconds(subject.pid);
    const timings = await takeTurns(target?.(subject) ?? subject.newThreads(), load);
    return { ...timings, cpuSeconds: cpuSeconds(subject.pid) - before, memoryMegabytes: memoryMegabytes(subject.pid) };
  });
  await stage.upstream.answer({ chunks: CHUNKS, firstTokenMs: 0, intervalMs: 0 });
  const row = (figure: string, unit: string, of: (figures: Figures) => number, wanted?: Wanted): Row => ({
    work: title,
    figure,
    unit,
    parley: parley!.map(of),
    bare: bare!.map(of),
    ...(wanted ? { wanted } : {}),
  });
  if (!isLong) warnOfBottleneck(stage, title, [...parley!, ...bare!]);
  const perSecond = { ratioAtLeast: 0.6 };
  return [
    isLong
      ? row("chunks", "a second", ({ turnsPerSecond }) => turnsPerSecond * chunks, perSecond)
      : row("turns", "a second", ({ turnsPerSecond }) => turnsPerSecond, perSecond),
    row("first token p50", "ms", ({ firstTokenMs }) => median(firstTokenMs)),
    row("first token p99", "ms", ({ firstTokenMs }) => percentile(firstTokenMs, 0.99)),
    isLong
      ? row("CPU for 1,000 chunks", "s", (figures) => (figures.cpuSeconds / (load.turns * chunks)) * 1000)
      : row("CPU for 1,000 turns", "s", (figures) => (figures.cpuSeconds / load.turns) * 1000, { atMost: 4.5 }),
    row("memory of workerd", "MB", (figures) => figures.memoryMegabytes),
  ];
}

function warnOfBottleneck({ upstreamPerSecond }: Stage, title: string, figures: Figures[]): void {
  const fastest = Math.max(...figures.map(({ turnsPerSecond }) => turnsPerSecond));
  if (fastest * SPARE > upstreamPerSecond)
    console.warn(`${title}: the model alone answers only ${upstreamPerSecond.toFixed(0)} times a second`);
}

/** What the model, the load and workerd allow at all. */
async function measurePassed({ rounds, turns: count, bare, upstream }: Stage): Promise<Row[]> {
  const load = { turns: count, concurrency: 32, chunks: CHUNKS };
  const [passed, direct] = await inTurn(rounds, [bare.passed, upstream.target], (target) => takeTurns(target, load));
  const work = "passed on by a Worker, 32 at a time";
  return [
    {
      work: `${work} (bare: the model itself)`,
      figure: "answers",
      unit: "a second",
      parley: passed!.map(({ turnsPerSecond }) => turnsPerSecond),
      bare: direct!.map(({ turnsPerSecond }) => turnsPerSecond),
    },
  ];
}
