import { callWorker, type Caller } from "./project.ts";
import type { RouteRow } from "./routes.ts";

export type Attempt = {
  path: string;
  caller?: Caller;
  method?: string;
  body?: BodyInit;
  headers?: Record<string, string>;
};
export type Outcome = { status: number; text: string; headers: Headers };

const PATIENCE_MS = 10_000;

/** Sends a request and reads the whole answer, but for live events, which never end. One that hangs is an answer 0. */
export async function attempt(row: RouteRow, { path, caller, method, body, headers }: Attempt): Promise<Outcome> {
  const request = new Request(`http://test${path}`, {
    method: method ?? row.method,
    headers: {
      ...(caller && { authorization: `Bearer ${caller.key}` }),
      ...(body !== undefined && !(body instanceof FormData) && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  const hang = scheduler.wait(PATIENCE_MS).then(() => ({ status: 0, text: "hangs", headers: new Headers() }));
  return Promise.race([answerOf(request, row), hang]);
}

async function answerOf(request: Request, { spec }: RouteRow): Promise<Outcome> {
  const response = await callWorker(request);
  const { status, headers } = response;
  if (!response.ok || spec.access !== "listener") return { status, headers, text: await response.text() };
  await response.body?.cancel();
  return { status, headers, text: "" };
}

/** Traces of how we are made, which no answer may show. */
export const INTERNALS =
  /\bat \S+ \(|\.ts:\d|\.js:\d|node_modules|D1_|SQLITE|\bsqlite|fts5|drizzle|Failed query|\bTypeError|\bRangeError|\bReferenceError|\bZodError|\[object /i;

/** As JSON writes a lone surrogate. */
const HALF_A_CHARACTER = /\\ud[89a-f]/i;

const MOST_ERROR_BYTES = 8192;

type Expected = { status?: number | ((status: number) => boolean); hidden?: string[] };

/**
 * What is wrong with an outcome: it hangs, is a failure of ours, an error in another shape than the dialect's, shows what
 * nobody may see, or has not the status that was expected.
 */
export function complaintsOf(
  row: RouteRow,
  outcome: Outcome,
  { status: expected, hidden = [] }: Expected = {},
): string[] {
  const { status, text } = outcome;
  const isDue = (given: number) => (typeof expected === "function" ? expected(given) : (expected ?? given) === given);
  // OpenAI's shapes say 400 where ours say 422.
  const isExpected = isDue(status) || (row.path.startsWith("/v1/") && status === 400 && isDue(422));
  return [
    ...(status === 0 || status >= 500 ? [`answers ${status}`] : []),
    ...(isExpected ? [] : [`answers ${status} where ${String(expected)} is due`]),
    ...(status >= 400 ? oddError(row, outcome) : []),
    ...(INTERNALS.test(text) ? ["shows how it is made"] : []),
    ...(HALF_A_CHARACTER.test(text) ? ["shows half a character"] : []),
    ...(status < 300 ? oddAnswer(row, outcome) : []),
    ...hidden.filter((secret) => text.includes(secret)).map((secret) => `shows ${secret}`),
  ].map((complaint) => `${complaint}: ${text.slice(0, 300)}`);
}

function oddAnswer({ spec }: RouteRow, { text }: Outcome): string[] {
  if (!spec.ok || spec.streams) return [];
  return spec.ok.safeParse(readJson(text)).success ? [] : ["is an answer in another shape than documented"];
}

function oddError({ errorBody }: RouteRow, { status, text, headers }: Outcome): string[] {
  const json = readJson(text);
  const parsed = errorBody.safeParse(json);
  const requestId = headers.get("x-request-id");
  return [
    ...(headers.get("content-type")?.startsWith("application/json") ? [] : ["is an error that is no JSON"]),
    ...(parsed.success && sameKeys(parsed.data, json) ? [] : ["is an error in another shape than documented"]),
    ...(text.includes(String(status)) || !text.includes("statusCode") ? [] : ["says another status than it has"]),
    ...(requestId && text.includes(requestId) ? [] : ["names no request id"]),
    ...(text.length > MOST_ERROR_BYTES ? [`is an error of ${text.length} characters`] : []),
  ];
}

const sameKeys = (a: unknown, b: unknown) =>
  Object.keys(a as object)
    .toSorted()
    .join() ===
  Object.keys(b as object)
    .toSorted()
    .join();

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Says which request an outcome's complaints are about. */
export const about = (what: string, complaints: string[]): string[] =>
  complaints.map((complaint) => `${what.slice(0, 200)} ${complaint}`);
