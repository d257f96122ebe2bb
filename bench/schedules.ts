import { setTimeout as wait } from "node:timers/promises";
import { defineBench, type Bench } from "./bench.ts";
import type { Target } from "./load.ts";
import { inParallel } from "./parallel.ts";
import type { Row } from "./report.ts";
import { percentile } from "./statistics.ts";
import { startParley } from "./subjects.ts";
import { Upstream } from "./upstream.ts";

const COUNT = 1000;
const CONCURRENCY = 16;
const CHUNKS = 32;
/** Threads that only serve to have everything compiled. */
const WARM_UP = 50;
const WARM_UP_MS = 10_000;
/** Enough to plan them all before the first is due. */
const AHEAD_MS = 10_000 + COUNT * 30;
const LONGEST_WAIT_MS = 60_000;
const BELLS_MS = 5000;
const QUIET_MS = 10_000;

type Message = { role: string; status: string; created_at: string };
type Stage = { target: Target; stop: () => Promise<void> };
type Thread = { lateMs: number[]; complete: boolean };

const TITLE = "1,000 schedules due in the same second";

/** Answers, each in a thread of its own: how late they begin, and whether each comes once. */
export const schedules: Bench = defineBench<Stage>({
  name: "schedules",
  async open({ folder, state }) {
    const upstream = await Upstream.start({ chunks: CHUNKS, firstTokenMs: 0, intervalMs: 0 });
    const parley = await startParley({ folder, state, upstreamUrl: upstream.url });
    const stop = async () => {
      await parley.stop();
      upstream.stop();
    };
    return { target: parley.newThreads(), stop };
  },
  works: [{ title: TITLE, measure }],
});

async function measure({ target }: Stage): Promise<Row[]> {
  await plan(target, 0, WARM_UP, Date.now() + WARM_UP_MS);
  await wait(WARM_UP_MS);
  await answered(target, 0, WARM_UP, Date.now() + LONGEST_WAIT_MS);
  const due = Math.ceil((Date.now() + AHEAD_MS) / 1000) * 1000;
  const end = WARM_UP + COUNT;
  await plan(target, WARM_UP, end, due);
  // Nobody asks while they run: that would be measured too.
  await wait(due - Date.now() + QUIET_MS);
  await answered(target, WARM_UP, end, Date.now() + LONGEST_WAIT_MS);
  // The bells that the queue holds for them come later; they must change nothing.
  await wait(BELLS_MS);
  const answers = await answered(target, WARM_UP, end, Date.now());
  const threads = answers.map((messages) => ({
    lateMs: messages.map(({ created_at }) => Date.parse(created_at) - due),
    complete: messages.every(({ status }) => status === "complete"),
  }));
  return rowsOf(threads);
}

function rowsOf(threads: Thread[]): Row[] {
  const late = threads.flatMap(({ lateMs }) => lateMs.slice(0, 1)).toSorted((a, b) => a - b);
  const count = (is: (thread: Thread) => boolean) => threads.filter(is).length;
  const row = (figure: string, unit: string, value: number, atMost?: number): Row => ({
    work: TITLE,
    figure,
    unit,
    parley: [value],
    ...(atMost === undefined ? {} : { wanted: { atMost } }),
  });
  return [
    row("late p50", "ms", percentile(late, 0.5)),
    row("late p99", "ms", percentile(late, 0.99), 2000),
    row("late at most", "ms", late.at(-1) ?? NaN),
    row(
      "lost, or not complete",
      "threads",
      count(({ lateMs, complete }) => lateMs.length === 0 || !complete),
      0,
    ),
    row(
      "doubled",
      "threads",
      count(({ lateMs }) => lateMs.length > 1),
      0,
    ),
    row(
      "early",
      "threads",
      count(({ lateMs }) => lateMs.some((ms) => ms < 0)),
      0,
    ),
  ];
}

const headersOf = ({ key }: Target) => ({ authorization: `Bearer ${key}`, "content-type": "application/json" });

async function plan(target: Target, from: number, end: number, due: number): Promise<void> {
  const scheduledAt = new Date(due).toISOString();
  const body = JSON.stringify({ ...(JSON.parse(target.body) as object), scheduledAt });
  await inParallel(CONCURRENCY, from, end, async (turn) => {
    const response = await fetch(target.url(turn), { method: "POST", headers: headersOf(target), body });
    if (!response.headers.has("x-schedule-id"))
      throw new Error(`answered ${response.status} at once: planning takes too long`);
    await response.text();
  });
}

/** The answers of each thread, once every thread has one, or the time is over. */
async function answered(target: Target, from: number, end: number, until: number): Promise<Message[][]> {
  const found: Message[][] = [];
  await inParallel(CONCURRENCY, from, end, async (turn) => {
    let answers = await answersOf(target, turn);
    while (!answers.some(({ status }) => status === "complete") && Date.now() < until) {
      await wait(250);
      answers = await answersOf(target, turn);
    }
    found.push(answers);
  });
  return found;
}

async function answersOf(target: Target, turn: number): Promise<Message[]> {
  const read = () => fetch(target.url(turn).replace(/\/stream$/, "/messages"), { headers: headersOf(target) });
  // A connection that idled until the due time may have been closed by the server.
  const response = await read().catch(read);
  const messages = (await response.json()) as Message[];
  return messages.filter(({ role }) => role === "assistant");
}
