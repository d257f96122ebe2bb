const realFetch = globalThis.fetch;

/** What is written in examples, and is nobody's. */
const NOBODY = /(?:^|\.)(?:example|test|example\.(?:com|org|net))$/;

let isDone = false;

/**
 * Done once for all files, which share one runtime, before any of their fakes. Nobody asks where an example's host is: without
 * a network that takes many seconds, during which the local queue delivers nothing else.
 */
export function answerForNobody(): void {
  if (isDone) return;
  isDone = true;
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    return NOBODY.test(new URL(request.url).hostname) ? new Response(null, { status: 503 }) : realFetch(request);
  };
}
