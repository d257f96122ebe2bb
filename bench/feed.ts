import { setTimeout as wait } from "node:timers/promises";
import { ServerApi } from "../scripts/api.ts";
import { defineBench, inTurn, type Bench, type Setting } from "./bench.ts";
import { Listeners } from "./listeners.ts";
import { takeTurns } from "./load.ts";
import { inParallel } from "./parallel.ts";
import type { Row, Wanted } from "./report.ts";
import { median, percentile } from "./statistics.ts";
import { startBare, startParley } from "./subjects.ts";
import { Upstream } from "./upstream.ts";

const LISTENERS = 500;
/** Enough that no two events of one moment are of the same thread. */
const THREADS = 100;
const RATES = [
  { perSecond: 1, seconds: 6 },
  { perSecond: 20, seconds: 4 },
  { perSecond: 100, seconds: 4 },
];
const LONGEST_DELAY_MS = 10_000;

type Rate = (typeof RATES)[number];
/** Where one listens, and how an event is made; answers the id by which listeners know it. */
type Hub = { url: string; headers: Record<string, string>; publish: (number: number) => Promise<string> };
type Figures = { delaysMs: number[]; lost: number; doubled: number };
type Stage = Setting & { parley: Hub; bare: Hub; stop: () => Promise<void> };

/** Operators' messages, each told to all who watch the project, beside an object that tells all and stores nothing. */
export const feed: Bench = defineBench<Stage>({
  name: "feed",
  open: openStage,
  works: RATES.map((rate) => ({ title: titleOf(rate), measure: (stage) => measure(stage, rate) })),
});

function titleOf({ perSecond }: Rate): string {
  return `${LISTENERS} listeners, ${perSecond} ${perSecond === 1 ? "event" : "events"} a second`;
}

async function openStage(setting: Setting): Promise<Stage> {
  const upstream = await Upstream.start({ chunks: 1, firstTokenMs: 0, intervalMs: 0 });
  const options = { folder: setting.folder, state: setting.state, upstreamUrl: upstream.url };
  const [parley, bare] = [await startParley(options), await startBare(options)];
  const threads = parley.newThreads();
  await takeTurns(threads, { turns: THREADS, concurrency: 16, chunks: 1 });
  const api = new ServerApi(parley.url, parley.key);
  const pathOf = (number: number) => new URL(threads.url(number % THREADS)).pathname.replace(/\/stream$/, "");
  await inParallel(16, 0, THREADS, async (number) => {
    await api.post(`${pathOf(number)}/mode`, { mode: "manual" });
  });
  const send = async (number: number) => {
    const path = `/threads/${pathOf(number).split("/").at(-1)}/send`;
    return (await api.post<{ id: string }>(path, { text: `Message ${number}` })).id;
  };
  const tell = async (number: number) => {
    const event = { type: "message_created", thread_id: `thread-${number % THREADS}`, message_id: crypto.randomUUID() };
    return (await new ServerApi(bare.url, "").post<{ id: string }>("/hub", event)).id;
  };
  return {
    ...setting,
    parley: { url: `${parley.url}/threads/events`, headers: { authorization: `Bearer ${parley.key}` }, publish: send },
    bare: { url: `${bare.url}/hub`, headers: {}, publish: tell },
    async stop() {
      await Promise.all([parley.stop(), bare.stop()]);
      upstream.stop();
    },
  };
}

async function measure(stage: Stage, rate: Rate): Promise<Row[]> {
  const [parley, bare] = await inTurn(stage.rounds, [stage.parley, stage.bare], (hub) => listenAndTell(hub, rate));
  const row = (figure: string, unit: string, of: (figures: Figures) => number, wanted?: Wanted): Row => ({
    work: titleOf(rate),
    figure,
    unit,
    parley: parley!.map(of),
    bare: bare!.map(of),
    ...(wanted ? { wanted } : {}),
  });
  return [
    row("from publishing to receiving p50", "ms", ({ delaysMs }) => median(delaysMs)),
    row("from publishing to receiving p99", "ms", ({ delaysMs }) => percentile(delaysMs, 0.99), { ratioAtMost: 2 }),
    row("lost", "events", ({ lost }) => lost, { atMost: 0 }),
    row("doubled", "events", ({ doubled }) => doubled, { atMost: 0 }),
  ];
}

async function listenAndTell(hub: Hub, { perSecond, seconds }: Rate): Promise<Figures> {
  const listeners = await Listeners.open(LISTENERS, hub.url, hub.headers);
  const publishedAt = new Map<string, number>();
  const begun = performance.now();
  const publishing: Promise<void>[] = [];
  for (let number = 0; number < perSecond * seconds; number++) {
    await wait(begun + (number * 1000) / perSecond - performance.now());
    const now = performance.now();
    publishing.push(hub.publish(number).then((id) => void publishedAt.set(id, now)));
  }
  await Promise.all(publishing);
  await listeners.settle(publishedAt.size, LONGEST_DELAY_MS);
  listeners.close();
  return figuresOf(publishedAt, listeners.received());
}

function figuresOf(publishedAt: Map<string, number>, received: Map<string, number[]>[]): Figures {
  const figures: Figures = { delaysMs: [], lost: 0, doubled: 0 };
  for (const events of received) {
    for (const [id, at] of publishedAt) {
      const [first, ...again] = events.get(id) ?? [];
      if (first === undefined) figures.lost++;
      else figures.delaysMs.push(first - at);
      figures.doubled += again.length;
    }
  }
  return figures;
}
