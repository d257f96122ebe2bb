/** Resolves after `ms`, or rejects with the signal's reason as soon as it is aborted. */
export const sleep = (ms: number, signal?: AbortSignal) => scheduler.wait(ms, signal ? { signal } : {});

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
