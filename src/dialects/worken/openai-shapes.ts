import type { Context } from "hono";
import type { App } from "../../http/tenant.ts";

/**
 * Vector stores and files are served twice: under the paths of this API, where a header that OpenAI's client always sends asks
 * for its shapes, and under `/v1`, where they are always OpenAI's.
 */
export const PREFIXES = ["", "/v1"] as const;
export type Prefix = (typeof PREFIXES)[number];

export const isOpenAi = (c: Context<App>, prefix: Prefix): boolean =>
  prefix === "/v1" || (c.req.header("openai-beta") ?? "").includes("assistants=");

/** Whether an error on this path is said as OpenAI says it, also where there is no such route. */
export function expectsOpenAi(c: Context<App>): boolean {
  const [, prefix] = /^(\/v1)?\/(?:vector_stores|files)(?:\/|$)/.exec(c.req.path) ?? [null, null];
  return prefix !== null && isOpenAi(c, prefix === "/v1" ? prefix : "");
}
