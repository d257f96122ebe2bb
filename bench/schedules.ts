import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startParley } from "./subjects.ts";
import { Upstream } from "./upstream.ts";

/** Answers that are due in the same second, each in a thread of its own: how late they begin, and whether each comes once. */
const { values: given } = parseArgs({
  options: { count: { type: "string", default: "1000" }, concurrency: { type: "string", default: "16" } },
});
const [count, concurrency] = [Number(given.count), Number(given.concurrency)];
const CHUNKS = 32;
/** Threads that only serve to have everything compiled. */
const WARM_UP = 50;
const WARM_UP_MS = 10_000;
/** Enough to plan them all before the first is due. */
const AHEAD_MS = 10_000 + count * 30;
const LONGEST_WAIT_MS = 60_000;
const BELLS_MS = 5000;
const QUIET_MS = 10_000;

type Message = { role: string; status: string; created_at: string };

const folder = mkdtempSync(join(tmpdir(), "parley-bench-"));
const upstream = await Upstream.start({ chunks: CHUNKS, firstTokenMs: 0, intervalMs: 0 });
const subject = await startParley({ folder, upstreamUrl: upstream.url });
const target = subject.newThreads();
const headers = { authorization: `Bearer ${target.key}`, "content-type": "application/json" };
try {
  await plan(WARM_UP, Date.now() + WARM_UP_MS);
  await wait(WARM_UP_MS);
  await answered(WARM_UP, Date.now() + LONGEST_WAIT_MS);
  report(await measure());
} finally {
  await subject.stop();
  upstream.stop();
  rmSync(folder, { recursive: true });
}

async function measure() {
  const due = Math.ceil((Date.now() + AHEAD_MS) / 1000) * 1000;
  await plan(WARM_UP + count, due, WARM_UP);
  // Nobody asks while they run: that would be measured too.
  await wait(due - Date.now() + QUIET_MS);
  await answered(WARM_UP + count, Date.now() + LONGEST_WAIT_MS, WARM_UP);
  // The bells that the queue holds for them come later; they must change nothing.
  await wait(BELLS_MS);
  const threads = await answered(WARM_UP + count, Date.now(), WARM_UP);
  return threads.map((messages) => ({
    lateMs: messages.map(({ created_at }) => Date.parse(created_at) - due),
    complete: messages.every(({ status }) => status === "complete"),
  }));
}

function report(threads: Awaited<ReturnType<typeof measure>>): void {
  const late = threads.flatMap(({ lateMs }) => lateMs.slice(0, 1)).toSorted((a, b) => a - b);
  const at = (share: number) => late[Math.min(late.length - 1, Math.floor(late.length * share))]!;
  const [lost, doubled] = [
    threads.filter(({ lateMs }) => lateMs.length === 0),
    threads.filter(({ lateMs }) => lateMs.length > 1),
  ];
  console.log(
    `${count} answers due in the same second: late p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${late.at(-1)} ms; ` +
      `lost ${lost.length}, doubled ${doubled.length}, early ${late.filter((ms) => ms < 0).length}, ` +
      `not complete ${threads.filter(({ complete }) => !complete).length}`,
  );
}

async function plan(upTo: number, due: number, from = 0): Promise<void> {
  const scheduledAt = new Date(due).toISOString();
  const body = JSON.stringify({ ...JSON.parse(target.body), scheduledAt });
  await inParallel(upTo, from, async (turn) => {
    const response = await fetch(target.url(turn), { method: "POST", headers, body });
    if (!response.headers.has("x-schedule-id"))
      throw new Error(`answered ${response.status} at once: planning takes too long`);
    await response.text();
  });
}

/** The answers of each thread, once every thread has one, or the time is over. */
async function answered(upTo: number, until: number, from = 0): Promise<Message[][]> {
  const found: Message[][] = [];
  await inParallel(upTo, from, async (turn) => {
    let answers = await answersOf(turn);
    while (!answers.some(({ status }) => status === "complete") && Date.now() < until) {
      await wait(250);
      answers = await answersOf(turn);
    }
    found.push(answers);
  });
  return found;
}

async function answersOf(turn: number): Promise<Message[]> {
  const read = () => fetch(target.url(turn).replace(/\/stream$/, "/messages"), { headers });
  // A connection that idled until the due time may have been closed by the server.
  const response = await read().catch(read);
  const messages = (await response.json()) as Message[];
  return messages.filter(({ role }) => role === "assistant");
}

async function inParallel(upTo: number, from: number, work: (turn: number) => Promise<void>): Promise<void> {
  let next = from;
  const some = async () => {
    while (next < upTo) await work(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, some));
}
