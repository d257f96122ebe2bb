import { DomainError } from "../core/errors.ts";

const MOST_BYTES = 1_000_000;
const DEEPEST = 64;
/** curl's own default for `-d` is a form: what is inside decides, not that label. */
const READABLE = /^(application\/([\w.+-]*\+)?json|text\/plain|application\/x-www-form-urlencoded)\b/;

/** The text of a JSON body, refused before it is read whole when it is too large. */
export async function readText(request: Request): Promise<string> {
  const type = request.headers.get("content-type");
  if (type && !READABLE.test(type.toLowerCase())) {
    throw new DomainError("unsupported_media", `the body must be JSON, not ${type.slice(0, 100)}`);
  }
  if (Number(request.headers.get("content-length") ?? 0) > MOST_BYTES) throw tooLarge();
  if (!request.body) return "";
  let [text, bytes] = ["", 0];
  const decoder = new TextDecoder();
  for await (const chunk of request.body as ReadableStream<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MOST_BYTES) throw tooLarge();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

export function parseJson(text: string): unknown {
  if (text.trim() === "") throw new DomainError("malformed", "the request needs a JSON body");
  refuseDeep(text);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new DomainError("malformed", "the body is not valid JSON");
  }
}

/** Parsing copes with any depth; what walks over the value afterwards does not. */
function refuseDeep(text: string): void {
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === "[" || token === "{") depth += 1;
    else if (token === "]" || token === "}") depth -= 1;
    if (depth > DEEPEST) throw new DomainError("malformed", `the body is nested deeper than ${DEEPEST} levels`);
  }
}

const tooLarge = () => new DomainError("too_large", `the body is larger than ${MOST_BYTES} bytes`);
