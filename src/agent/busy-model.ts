import { APICallError } from "@ai-sdk/provider";

const BUSY = new Set([429, 503, 529]);
/** Said with a 429 where waiting does not help: somebody has to pay first. */
const SPENT = "insufficient_quota";

/** When a model says to come back; null: it did not say. */
export function retryAfterMs(error: unknown): number | null {
  const header = APICallError.isInstance(error) ? error.responseHeaders?.["retry-after"] : undefined;
  if (header === undefined) return null;
  const seconds = Number(header);
  const ms = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
  return Number.isNaN(ms) ? null : Math.max(ms, 0);
}

/** After how many seconds a busy model is worth trying again; null: it is not busy, and something else is wrong. */
export function busySeconds(error: unknown): number | null {
  if (!APICallError.isInstance(error) || !error.isRetryable || !BUSY.has(error.statusCode ?? 0)) return null;
  if (error.responseBody?.includes(SPENT)) return null;
  return Math.max(Math.ceil((retryAfterMs(error) ?? 1000) / 1000), 1);
}
