import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { ServerApi } from "../scripts/api.ts";
import { defineBench, inTurn, type Bench, type Setting } from "./bench.ts";
import { Listeners } from "./listeners.ts";
import { takeTurns } from "./load.ts";
import { inParallel } from "./parallel.ts";
import type { Row, Wanted } from "./report.ts";
import { median, percentile } from "./statistics.ts";
import { startBare, startParley, type Subject } from "./subjects.ts";
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
type Stage = Setting & { feed: Hub; bare: Hub; operator: Hub; stop: () => Promise<void> };

const TITLE_OF_OPERATOR = `${LISTENERS} listeners, an operator writes once a second`;

/** A project's live events beside an object that tells all who listen and stores nothing; both are told by a call of theirs. */
export const feed: Bench = defineBench<Stage>({
  name: "feed",
  open: openStage,
  works: [
    ...RATES.map((rate) => ({ title: titleOf(rate), measure: (stage: Stage) => compare(stage, rate) })),
    { title: TITLE_OF_OPERATOR, measure: measureOperator },
  ],
});

function titleOf({ perSecond }: Rate): string {
  return `${LISTENERS} listeners, ${perSecond} ${perSecond === 1 ? "event" : "events"} a second`;
}

async function openStage(setting: Setting): Promise<Stage> {
  const upstream = await Upstream.start({ chunks: 1, firstTokenMs: 0, intervalMs: 0 });
  const options = { folder: setting.folder, state: setting.state, upstreamUrl: upstream.url };
  const [parley, bare] = [await startParley(options), await startBare(options)];
  const listening = { url: `${parley.url}/threads/events`, headers: { authorization: `Bearer ${parley.key}` } };
  return {
    ...setting,
    feed: { ...listening, publish: await feedOf(parley) },
    operator: { ...listening, publish: await operatorOf(parley) },
    bare: { url: `${bare.url}/hub`, headers: {}, publish: await hubOf(bare) },
    async stop() {
      await Promise.all([parley.stop(), bare.stop()]);
      upstream.stop();
    },
  };
}

type FeedStub = { publish: (batches: object[]) => Promise<unknown> };

/** Tells the project's object as a thread does. */
async function feedOf({ miniflare, projectId }: Subject): Promise<Hub["publish"]> {
  const namespace = await miniflare.getDurableObjectNamespace("FEEDS");
  // The namespace does not know its class.
  const stub = namespace.get(namespace.idFromName(projectId)) as unknown as FeedStub;
  const told = new Map<string, number>();
  return async (number) => {
    const source = `thread-${number % THREADS}`;
    const seq = (told.get(source) ?? 0) + 1;
    told.set(source, seq);
    const messageId = randomUUID();
    const event = {
      type: "message-created",
      threadId: source,
      messageId,
      role: "user",
      status: "complete",
    };
    await stub.publish([{ source, seq, events: [event] }]);
    return messageId;
  };
}

async function hubOf({ miniflare }: Subject): Promise<Hub["publish"]> {
  const namespace = await miniflare.getDurableObjectNamespace("HUBS");
  const stub = namespace.get(namespace.idFromName("hub"));
  return async (number) => {
    const event = { thread_id: `thread-${number}`, type: "message_created", message_id: randomUUID() };
    const response = await stub.fetch("http://hub/", { method: "POST", body: JSON.stringify(event) });
    await response.text();
    return event.message_id;
  };
}

/** Writes into threads that people have begun, over HTTP. */
async function operatorOf(parley: Subject): Promise<Hub["publish"]> {
  const threads = parley.newThreads();
  await takeTurns(threads, { turns: THREADS, concurrency: 16, chunks: 1 });
  const api = new ServerApi(parley.url, parley.key);
  const pathOf = (number: number) => new URL(threads.url(number % THREADS)).pathname.replace(/\/stream$/, "");
  await inParallel(16, 0, THREADS, async (number) => {
    await api.post(`${pathOf(number)}/mode`, { mode: "manual" });
  });
  return async (number) => {
    const path = `/threads/${pathOf(number).split("/").at(-1)}/send`;
    const send = () => api.post<{ id: string }>(path, { text: `Message ${number}` });
    // A connection that idled may have been closed by the server.
    return (await send().catch(send)).id;
  };
}

async function compare(stage: Stage, rate: Rate): Promise<Row[]> {
  const [parley, bare] = await inTurn(stage.rounds, [stage.feed, stage.bare], (hub) => listenAndTell(hub, rate));
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

/** From an operator's request, through the thread that stores what is said. */
async function measureOperator({ rounds, operator }: Stage): Promise<Row[]> {
  const [figures] = await inTurn(rounds, [operator], (hub) => listenAndTell(hub, RATES[0]!));
  const row = (figure: string, unit: string, of: (figures: Figures) => number): Row => ({
    work: TITLE_OF_OPERATOR,
    figure,
    unit,
    parley: figures!.map(of),
  });
  return [
    row("from sending to receiving p50", "ms", ({ delaysMs }) => median(delaysMs)),
    row("from sending to receiving p99", "ms", ({ delaysMs }) => percentile(delaysMs, 0.99)),
    row("lost", "events", ({ lost }) => lost),
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
