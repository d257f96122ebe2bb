import { refusalOf, type OutboundPolicy } from "./outbound-policy.ts";

type OutboundInit = {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** How many redirects are followed; with 0 the redirect itself is the answer. */
  redirects?: number;
  timeoutMs?: number;
  maxBytes?: number;
  /** Whether an answer that is too large is cut off there, instead of being a failure. */
  cut?: boolean;
};

/** The URL is the one that answered in the end. */
type OutboundResponse = { status: number; headers: Headers; body: Uint8Array; url: string };
export type Outbound = (url: string, init?: OutboundInit) => Promise<OutboundResponse>;

/** `refused`: the address is not allowed. `failed`: it could not be reached, or did not answer as it must. */
export class OutboundError extends Error {
  override name = "OutboundError";
  readonly kind: "refused" | "failed";

  constructor(kind: "refused" | "failed", message: string) {
    super(message);
    this.kind = kind;
  }
}

const DEFAULTS = { method: "GET", redirects: 3, timeoutMs: 10_000, maxBytes: 5_000_000, cut: false };
type Options = OutboundInit & typeof DEFAULTS;
type Hop = { url: URL; method: string; headers: Headers; body: OutboundInit["body"] };

/**
 * The one way to an address that a tenant, or what a tenant's address answered, has chosen. Every hop is checked against the
 * policy; time and size are limited over all of them together.
 */
export function createOutbound(policy: OutboundPolicy, fetcher: typeof fetch = (...call) => fetch(...call)): Outbound {
  return async (address, init = {}) => {
    const options = { ...DEFAULTS, ...init };
    const deadline = new AbortController();
    const late = new Promise<never>((_, reject) => {
      deadline.signal.addEventListener("abort", () => reject(new OutboundError("failed", lateness(address, options))));
    });
    const timer = setTimeout(() => deadline.abort(), options.timeoutMs);
    try {
      return await Promise.race([travel(address, options, policy, deadline.signal, fetcher), late]);
    } catch (error) {
      if (error instanceof OutboundError) throw error;
      // What the runtime says of a failed connection is for its makers.
      throw new OutboundError("failed", `${nameOf(address)} cannot be reached`);
    } finally {
      clearTimeout(timer);
    }
  };
}

async function travel(
  address: string,
  options: Options,
  policy: OutboundPolicy,
  signal: AbortSignal,
  fetcher: typeof fetch,
): Promise<OutboundResponse> {
  let hop = firstHop(address, options, policy);
  for (let left = options.redirects; ; left--) {
    const { url, method, headers, body } = hop;
    const response = await fetcher(url, { method, headers, body: body ?? null, redirect: "manual", signal });
    const target = redirectOf(response);
    if (target === null || options.redirects === 0) {
      const read = await readUpTo(response, options, url);
      return { status: response.status, headers: response.headers, body: read, url: url.href };
    }
    await response.body?.cancel();
    if (left === 0) throw new OutboundError("failed", `${nameOf(address)} redirects too often`);
    hop = nextHop(hop, target, response.status, policy);
  }
}

function firstHop(address: string, { method, headers, body }: Options, policy: OutboundPolicy): Hop {
  requireAllowed(address, policy);
  const given = new Headers(headers);
  if (!given.has("user-agent")) given.set("user-agent", "Parley");
  return { url: new URL(address), method, headers: given, body };
}

function requireAllowed(address: string, policy: OutboundPolicy): void {
  const refusal = refusalOf(address, policy);
  if (refusal) throw new OutboundError("refused", `${nameOf(address)} ${refusal}`);
}

const redirectOf = ({ status, headers }: Response) =>
  [301, 302, 303, 307, 308].includes(status) ? headers.get("location") : null;

/** As browsers do it: what was a POST becomes a GET where the old redirects are used. */
function nextHop(hop: Hop, target: string, status: number, policy: OutboundPolicy): Hop {
  const url = URL.canParse(target, hop.url.href) ? new URL(target, hop.url.href) : null;
  if (!url) throw new OutboundError("failed", `${hop.url.hostname} redirects to nowhere`);
  requireAllowed(url.href, policy);
  const headers = url.origin === hop.url.origin ? new Headers(hop.headers) : withoutSecrets(hop.headers);
  const asGet = status === 303 ? hop.method !== "HEAD" : status < 303 && hop.method === "POST";
  if (!asGet) return { ...hop, url, headers };
  for (const name of ["content-type", "content-length", "content-encoding"]) headers.delete(name);
  return { url, method: "GET", headers, body: undefined };
}

const SECRET = /^(cookie|.*(auth|key|token|secret|signature|password).*)$/;

/** What was meant for one origin stays there. */
function withoutSecrets(headers: Headers): Headers {
  return new Headers([...headers].filter(([name]) => !SECRET.test(name)));
}

async function readUpTo(response: Response, { maxBytes, cut }: Options, url: URL): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    pieces.push(piece.subarray(0, maxBytes - size));
    size += piece.length;
    if (size > maxBytes && !cut) throw new OutboundError("failed", `${url.hostname} answered with too many bytes`);
    if (size >= maxBytes && cut) break;
  }
  return joined(pieces);
}

function joined(pieces: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

const nameOf = (address: string) => (URL.canParse(address) ? new URL(address).hostname : "the address");
const lateness = (address: string, { timeoutMs }: Options) =>
  `${nameOf(address)} did not answer within ${timeoutMs / 1000} seconds`;
