/** Resolves after `ms`, or rejects with the signal's reason as soon as it is aborted. */
export const sleep = (ms: number, signal?: AbortSignal) => scheduler.wait(ms, signal ? { signal } : {});

/** Does some work whose signal is aborted once it has taken `ms`; leaves no timer behind that would keep an object awake. */
export async function within<T>(ms: number, work: (signal: AbortSignal) => PromiseLike<T>): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`nothing came within ${ms} ms`)), ms);
  try {
    return await work(late.signal);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for some work, however it ends, but not longer than `ms`; leaves no timer behind that would keep an object awake. */
export function waitAtMost(ms: number, work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const settle = () => {
    clearTimeout(timer);
    resolve();
  };
  work.then(settle, settle);
  return promise;
}
