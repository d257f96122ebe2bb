import { ConnectionError, WorkenError } from "./errors.ts";

/** How long to wait before each further try, in milliseconds. */
export type Patience = Iterable<number>;

export const NONE: Patience = [];
export const BRIEF: Patience = [250, 1000];
/** About half a minute: a server that restarts is back by then. */
export const LONG = [100, 250, 500, 1000, 2000, 4000, 5000, 5000, 5000, 5000];
export const ENDLESS: Patience = {
  *[Symbol.iterator]() {
    yield* LONG;
    for (;;) yield 5000;
  },
};

const PASSING = new Set([429, 502, 503, 504]);
const LONGEST_WAIT_SECONDS = 60;

/** Whether another try may go better. What the server itself refuses is tried again only if it says when. */
function isPassing(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  if (!(error instanceof WorkenError) || !PASSING.has(error.status)) return false;
  const { requestId, retryAfter } = error;
  return retryAfter === undefined ? requestId === undefined : retryAfter <= LONGEST_WAIT_SECONDS;
}

export async function patiently<T>(run: () => Promise<T>, patience: Patience, signal?: AbortSignal): Promise<T> {
  for (const ms of patience) {
    try {
      return await run();
    } catch (error) {
      if (!isPassing(error)) throw error;
      await pause(ms, signal, error);
    }
  }
  return run();
}

/** Waits about so long, or as long as the error asks for. Rejects with the signal's reason. */
export async function pause(ms: number, signal?: AbortSignal, error?: unknown): Promise<void> {
  const asked = error instanceof WorkenError ? (error.retryAfter ?? 0) * 1000 : 0;
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, Math.max(asked, ms * (0.5 + Math.random() / 2)));
    signal?.addEventListener("abort", wake);
  });
  signal?.throwIfAborted();
}
