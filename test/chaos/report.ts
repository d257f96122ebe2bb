import type { FeedListener } from "./feed-listener.ts";
import type { SideWork } from "./side-work.ts";
import type { ThreadRun } from "./thread-run.ts";
import type { World } from "./world.ts";

type Played = { world: World; runs: ThreadRun[]; listeners: FeedListener[]; sideWork: SideWork; seconds: number };

const MOST_SHOWN = 3;

/** What was played, and each violation with its thread, the promise and what was seen. */
export function reportOf({ world, runs, listeners, sideWork, seconds }: Played): string {
  const asked = runs.flatMap((run) => run.asked);
  const readings = asked.flatMap((one) => one.readings);
  const sum = (of: (run: ThreadRun) => number) => runs.reduce((total, run) => total + of(run), 0);
  const counts = {
    threads: runs.length,
    questions: asked.length,
    requests: readings.length,
    returns: readings.reduce((total, { returns }) => total + returns, 0),
    "read across a crash": readings.filter(({ from, to }) => world.wasDisturbed(from, to)).length,
    takeovers: sum((run) => run.takeOvers),
    stops: sum((run) => run.stops),
    approvals: sum((run) => run.approvals),
    "operators' messages": sum((run) => run.sent.length),
    ...sideWork.counts,
    "deliveries to a receiver": world.receiver.bodies.size,
    "refused there": world.receiver.refused,
    kills: world.disruptions.filter(({ kind }) => kind === "kill").length,
    saves: world.disruptions.filter(({ kind }) => kind === "save").length,
    "live events": listeners[0]!.events.length,
    "connections of listeners": listeners.reduce((total, { connections }) => total + connections, 0),
  };
  const played = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  return [`${played.join(", ")}; ${Math.round(seconds)} s`, ...violations(world)].join("\n");
}

function violations({ violations: found }: World): string[] {
  const groups = Object.values(Object.groupBy(found, ({ promise }) => promise));
  const shown = groups
    .flatMap((list) => list!.slice(0, MOST_SHOWN))
    .map(({ promise, thread, seen }) => `  ${thread}: ${promise}\n    ${seen.slice(0, 1500)}`);
  const perPromise = Object.entries(Object.groupBy(found, ({ promise }) => promise));
  const totals = perPromise.map(([promise, list]) => `  ${list!.length} x ${promise}`);
  return [`${found.length} violations`, ...totals, ...shown];
}
