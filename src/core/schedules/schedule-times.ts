import { Cron } from "croner";
import { invalid } from "../errors.ts";
import type { Recurrence } from "./schedule-state.ts";

const YEAR_MS = 366 * 24 * 60 * 60 * 1000;
const SHORTEST_PERIOD_MS = 60_000;
/** Enough that two seconds of one minute cannot hide. */
const LOOKED_AT = 3;

/** When a time is due: null where it has come already. */
export function requireFuture(at: Date, now: Date, field: string): number | null {
  if (at.getTime() > now.getTime() + YEAR_MS) throw invalid(field, "must be at most a year ahead");
  return at > now ? at.getTime() : null;
}

/** The first time after a moment; null where there is none any more. */
export const nextOccurrence = (recurrence: Recurrence, after: number): number | null =>
  parse(recurrence).nextRun(new Date(after))?.getTime() ?? null;

/** Refuses an expression that cannot be read, never comes true, or comes true more than once a minute. */
export function requireRecurrence(recurrence: Recurrence, now: Date): number {
  requireTimeZone(recurrence.timeZone);
  const times = parse(recurrence)
    .nextRuns(LOOKED_AT, now)
    .map((time) => time.getTime());
  const [first] = times;
  if (first === undefined) throw invalid("cron", "never comes true");
  if (times.some((time, index) => index > 0 && time - times[index - 1]! < SHORTEST_PERIOD_MS)) {
    throw invalid("cron", "comes true more than once a minute");
  }
  return first;
}

function parse({ cron, timeZone }: Recurrence): Cron {
  try {
    return new Cron(cron, { timezone: timeZone, paused: true, mode: "5-or-6-parts" });
  } catch (error) {
    throw invalid("cron", error instanceof Error ? error.message : "is not a cron expression");
  }
}

function requireTimeZone(timeZone: string): void {
  try {
    Intl.DateTimeFormat("en", { timeZone });
  } catch {
    throw invalid("time_zone", "is not an IANA time zone, such as Europe/Berlin");
  }
}
