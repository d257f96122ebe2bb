import { createMiddleware } from "hono/factory";
import { DomainError } from "../core/errors.ts";
import { waitAtMost } from "../lib/time.ts";

const MOST_BYTES = 1_000_000;
const DEEPEST = 64;
const LONGEST_READ_AWAY_MS = 1000;
/** curl's own default for `-d` is a form: what is inside decides, not that label. */
const READABLE = /^(application\/([\w.+-]*\+)?json|text\/plain|application\/x-www-form-urlencoded)\b/;

/** The text of a JSON body, refused before it is read whole when it is too large. */
export async function readText(request: Request): Promise<string> {
  const type = request.headers.get("content-type");
  if (type && !READABLE.test(type.toLowerCase())) {
    throw new DomainError("unsupported_media", `the body must be JSON, not ${type.slice(0, 100)}`);
  }
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of readPieces(request, MOST_BYTES)) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** A body piece by piece, refused as soon as it is known to be too large. */
export async function* readPieces(request: Request, atMost: number): AsyncGenerator<Uint8Array, void, undefined> {
  if (Number(request.headers.get("content-length") ?? 0) > atMost) throw tooLarge(atMost);
  if (!request.body) return;
  let bytes = 0;
  for await (const chunk of piecesOf(request.body as ReadableStream<Uint8Array>)) {
    bytes += chunk.byteLength;
    if (bytes > atMost) throw tooLarge(atMost);
    yield chunk;
  }
}

/** A connection whose request was answered unread is closed, and may be so under the caller's next request. */
export const readAway = createMiddleware(async (c, next) => {
  await next();
  const { raw } = c.req;
  if (!raw.bodyUsed && raw.body) await waitAtMost(LONGEST_READ_AWAY_MS, discard(raw));
});

async function discard(request: Request): Promise<void> {
  try {
    for await (const _ of readPieces(request, MOST_BYTES));
  } catch {
    // Too large to be worth a connection, or broken off: it is closed.
  }
}

async function* piecesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } catch {
    throw new DomainError("malformed", "the body broke off");
  }
}

export function parseJson(text: string): unknown {
  if (text.trim() === "") throw new DomainError("malformed", "the request needs a JSON body");
  refuseDeep(text);
  try {
    const value = JSON.parse(text) as unknown;
    return ESCAPED_SURROGATE.test(text) ? wellFormed(value) : value;
  } catch {
    throw new DomainError("malformed", "the body is not valid JSON");
  }
}

const ESCAPED_SURROGATE = /\\u[dD][89a-fA-F]/;

/** Half a character can be written in JSON, but neither stored nor sent on: it becomes U+FFFD. */
function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toWellFormed(), wellFormed(inner)]));
}

/** Parsing copes with any depth; what walks over the value afterwards does not. Reads each character once. */
function refuseDeep(text: string): void {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    else if (character === "[" || character === "{") depth += 1;
    else if (character === "]" || character === "}") depth -= 1;
    if (depth > DEEPEST) throw new DomainError("malformed", `the body is nested deeper than ${DEEPEST} levels`);
  }
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}

const tooLarge = (atMost: number) => new DomainError("too_large", `the body is larger than ${atMost} bytes`);
