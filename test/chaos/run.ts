import { setTimeout as wait } from "node:timers/promises";
import { checkMoney } from "./check-money.ts";
import { checkReceiver } from "./check-receiver.ts";
import { checkCounts, checkFeed, checkLists, type Detail, type Settled } from "./check-project.ts";
import { ThreadCheck } from "./check-thread.ts";
import { FeedListener } from "./feed-listener.ts";
import { Plan, type Size } from "./plan.ts";
import type { Question } from "./question.ts";
import { Random } from "./random.ts";
import { reportOf } from "./report.ts";
import { SideWork } from "./side-work.ts";
import { ThreadRun } from "./thread-run.ts";
import { World, type Violation } from "./world.ts";

export type Options = { seed: string; size: Size; only: string | null; project: string; log: (line: string) => void };

export const SIZES = {
  full: {
    threads: 300,
    steps: 6,
    takeOvers: 0.35,
    slowFaults: 0.06,
    atOnce: 40,
    disruptions: Infinity,
    quietMs: [9000, 20_000],
    sideWork: { count: 40, withinMs: 90_000 },
  },
  short: {
    threads: 24,
    steps: 2,
    takeOvers: 0.35,
    slowFaults: 0.02,
    atOnce: 12,
    disruptions: 2,
    quietMs: [2000, 4000],
    sideWork: { count: 6, withinMs: 8000 },
  },
} satisfies Record<string, Size>;

/** An object that was lost in the middle of an answer is woken by its alarm within 20 s. */
const ALONE_MS = 30_000;
const SWEEP_MS = 5000;

let started: World | null = null;

/** Ends what is running. */
export const stopChaos = async () => started?.end();

/** Plays a plan against a server of its own, and says what was seen that is promised not to be. */
export async function runChaos({ seed, size, only, project, log }: Options): Promise<Violation[]> {
  const from = Date.now();
  const plan = new Plan(seed, size);
  log(`seed ${seed}: ${size.threads} threads`);
  const world = await World.start(project, seed);
  started = world;
  try {
    const runs = (only ? [plan.thread(only)] : plan.threads).map((thread) => new ThreadRun(world, thread));
    const random = new Random(`${seed}/listener`);
    const listeners = [
      new FeedListener(world, "/threads/events"),
      new FeedListener(world, "/threads/events", () => random.between(200, 3000)),
    ];
    const listening = Promise.all(listeners.map((listener) => listener.run()));
    const sideWork = new SideWork(world, seed, size.sideWork);
    const working = sideWork.run().catch((error: unknown) => world.violated("the API can be used", "", String(error)));
    await playAll(world, plan, runs, size.atOnce, log);
    await working;
    await checkAbandoned(world, runs, listeners[0]!);
    const settled = await settleAll(world, runs);
    for (const listener of listeners) await untilQuiet(listener);
    for (const listener of listeners) listener.end();
    await listening;
    for (const one of settled) checkThread(world, one);
    for (const { events } of listeners) checkFeed(world, events, settled);
    await checkLists(world, settled);
    await sweeping(world, async () => {
      await sideWork.check();
      await checkMoney(world, settled, sideWork.paid);
      await checkReceiver(world, settled);
    });
    log(reportOf({ world, runs, listeners, sideWork, seconds: (Date.now() - from) / 1000 }));
    return world.violations;
  } finally {
    await world.end();
  }
}

/** Checks what may wait for the minute's sweep, which comes more often here. */
async function sweeping(world: World, check: () => Promise<void>): Promise<void> {
  const sweeps = setInterval(() => void world.server.sweep(), SWEEP_MS);
  await check().finally(() => clearInterval(sweeps));
}

/** All threads, some at once, while the server is killed and loaded anew again and again. */
async function playAll(
  world: World,
  plan: Plan,
  runs: ThreadRun[],
  atOnce: number,
  log: Options["log"],
): Promise<void> {
  const left = [...runs];
  const played = new AbortController();
  const disrupting = (async () => {
    for (const disruption of plan.disruptions()) {
      await wait(disruption.waitMs, undefined, { signal: played.signal }).catch(() => undefined);
      if (played.signal.aborted) return;
      await world.disrupt(disruption);
      log(`${disruption.kind}; ${left.length} threads to go, ${world.violations.length} violations`);
    }
  })();
  // It is waited for below; until then its failure is nobody's.
  disrupting.catch(() => undefined);
  const work = async () => {
    for (let run = left.shift(); run; run = left.shift()) {
      await run.run().catch((error: unknown) => world.violated("a thread can be used", run.id, String(error)));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  played.abort();
  await disrupting;
}

/** An answer that nobody waits for comes to its end by itself, after the crash too. */
async function checkAbandoned(world: World, runs: ThreadRun[], listener: FeedListener): Promise<void> {
  const ready = world.disruptions.at(-1)?.to ?? 0;
  const asked = runs.flatMap((run) => (run.plan.abandoned ? [{ run, reading: run.asked.at(-1)!.readings[0]! }] : []));
  const isTold = (messageId: string) => listener.events.some(({ message_id }) => message_id === messageId);
  const waiting = () => asked.filter(({ reading }) => reading.messageId && !isTold(reading.messageId));
  const until = Math.max(ready, Date.now()) + ALONE_MS;
  while (waiting().length > 0 && Date.now() < until) await wait(100);
  for (const { run, reading } of waiting()) {
    world.violated("an answer comes to its end without a visitor", run.id, reading.question.code);
  }
}

/** Brings every thread to rest, and asks it once more. */
async function settleAll(world: World, runs: ThreadRun[]): Promise<Settled[]> {
  const [left, settled] = [[...runs], [] as Settled[]];
  const work = async () => {
    for (let run = left.shift(); run; run = left.shift()) {
      await settle(world, run).then(
        (one) => settled.push(one),
        (error: unknown) => world.violated("a thread can be used", run!.id, String(error)),
      );
    }
  };
  await Promise.all(Array.from({ length: 10 }, work));
  return settled;
}

async function settle(world: World, run: ThreadRun): Promise<Settled> {
  await run.untilAtRest();
  await run.ask(lastQuestion(run.id));
  await run.untilAtRest();
  const { json: detail } = await world.call<Detail>("GET", `/threads/${run.id}`);
  const own = await new FeedListener(world, `/threads/events/${run.id}`).untilQuiet(300);
  return { run, messages: await run.messages(), detail, own };
}

/** Every thread still converses: this is answered whole. */
const lastQuestion = (thread: string): Question => ({
  code: `${thread}last`,
  fault: "none",
  words: 5,
  said: 5,
  paceMs: 0,
  identity: "key",
  twins: 1,
  format: "worken",
  leaves: [],
  awayMs: 0,
});

function checkThread(world: World, settled: Settled): void {
  new ThreadCheck(world, settled.run, settled.messages).check();
  checkCounts(world, settled);
}

async function untilQuiet(listener: FeedListener): Promise<void> {
  for (let known = -1; known !== listener.events.length; await wait(1000)) known = listener.events.length;
}
