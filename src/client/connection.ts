import { ConnectionError, errorFrom, WorkenError } from "./errors.ts";
import { BRIEF, NONE, patiently, type Patience } from "./patience.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export type WorkenOptions = {
  /** A project's key; for projects and their keys also ROOT_KEY. */
  apiKey: string;
  baseUrl?: string;
  fetch?: Fetch;
  /** Sent with every request. */
  headers?: Record<string, string>;
  /** How long the server may take to answer, in milliseconds; a stream must only begin in this time. */
  timeout?: number;
};

export type CallOptions = {
  signal?: AbortSignal;
  /** Of a POST: repeated with the same key it is done once. Random if not given. */
  idempotencyKey?: string;
};

export type Call = CallOptions & {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  query?: Record<string, string | number | undefined>;
  /** Sent as JSON, or as the form that it is. */
  body?: object | FormData;
  headers?: Record<string, string>;
  patience?: Patience;
};

type Page =
  | unknown[]
  | { data: unknown[]; next_cursor: string | null }
  | { data: unknown[]; has_more: boolean; last_id: string | null };
type ItemOf<P extends Page> = P extends (infer T)[] | { data: (infer T)[] } ? T : never;

/** Await it for one page; loop over it with `for await` for every item of this and all pages that follow. */
export type Listing<P extends Page> = Promise<P> & AsyncIterable<ItemOf<P>>;

/** Speaks to one server with one key. */
export class Connection {
  readonly #options: Required<WorkenOptions>;

  constructor({
    apiKey,
    baseUrl = "http://127.0.0.1:8787",
    fetch = (url, init) => globalThis.fetch(url, init),
    headers = {},
    timeout = 60_000,
  }: WorkenOptions) {
    this.#options = { apiKey, baseUrl: baseUrl.replace(/\/+$/, ""), fetch, headers, timeout };
  }

  get = <T>(path: string, options?: CallOptions, query: Call["query"] = {}) =>
    this.#call({ ...options, method: "GET", path, query }, jsonOf<T>);

  post = <T>(path: string, body?: object, options?: CallOptions) =>
    this.#call({ ...options, method: "POST", path, body }, jsonOf<T>);

  put = <T>(path: string, body: object, options?: CallOptions) =>
    this.#call({ ...options, method: "PUT", path, body }, jsonOf<T>);

  patch = <T>(path: string, body: object, options?: CallOptions) =>
    this.#call({ ...options, method: "PATCH", path, body }, jsonOf<T>);

  delete = <T>(path: string, options?: CallOptions) => this.#call({ ...options, method: "DELETE", path }, jsonOf<T>);

  /** The response as soon as its headers are there. */
  open = (call: Call) => this.#call(call, async (response) => response);

  list<P extends Page>(path: string, query: Call["query"] = {}, options?: CallOptions): Listing<P> {
    const load = (from: Call["query"] = {}) =>
      this.#call({ ...options, method: "GET", path, query: { ...query, ...from } }, pageOf<P>);
    const first = load();
    const answer = first.then(({ page }) => page);
    async function* items(): AsyncGenerator<ItemOf<P>, void, undefined> {
      // Who only loops never awaits this promise; it must not fail unheard.
      await answer;
      let loaded = await first;
      yield* loaded.items;
      while (loaded.next) {
        loaded = await load(loaded.next);
        yield* loaded.items;
      }
    }
    return Object.assign(answer, { [Symbol.asyncIterator]: items });
  }

  /** A GET, and a POST by its key, can be repeated without harm. */
  #call<T>(call: Call, read: (response: Response) => Promise<T>): Promise<T> {
    const { method, idempotencyKey = randomKey(), signal } = call;
    const { patience = method === "DELETE" ? NONE : BRIEF } = call;
    return patiently(() => this.#exchange({ ...call, idempotencyKey }, read), patience, signal);
  }

  async #exchange<T>(call: Call, read: (response: Response) => Promise<T>): Promise<T> {
    const { fetch, timeout } = this.#options;
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(new Error(`no answer within ${timeout} ms`)), timeout);
    const signal = call.signal ? AbortSignal.any([call.signal, deadline.signal]) : deadline.signal;
    const { method, path } = call;
    const body = call.body instanceof FormData ? call.body : call.body && JSON.stringify(call.body);
    try {
      const response = await fetch(this.#url(call), { method, headers: this.#headers(call), body, signal });
      if (!response.ok) throw await errorFrom(response);
      return await read(response);
    } catch (error) {
      call.signal?.throwIfAborted();
      if (error instanceof WorkenError) throw error;
      throw new ConnectionError(`${method} ${path}: ${String(error)}`, error);
    } finally {
      clearTimeout(timer);
    }
  }

  #url({ path, query = {} }: Call): string {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(
      given.map(([name, value]): [string, string] => [name, String(value)]),
    ).toString();
    return this.#options.baseUrl + path + (search && `?${search}`);
  }

  #headers({ method, body, headers, idempotencyKey }: Call): Headers {
    const all = new Headers({ ...this.#options.headers, ...headers });
    all.set("authorization", `Bearer ${this.#options.apiKey}`);
    if (body && !(body instanceof FormData)) all.set("content-type", "application/json");
    if (method === "POST" && idempotencyKey) all.set("idempotency-key", idempotencyKey);
    return all;
  }
}

/** A path whose parameters stay in their places. */
export const path = (strings: TemplateStringsArray, ...parameters: string[]): string =>
  String.raw(strings, ...parameters.map(segment));

function segment(parameter: string): string {
  if (/^\.{0,2}$/.test(parameter)) throw new TypeError(`"${parameter}" is no id`);
  return encodeURIComponent(parameter);
}

/** Also where a browser has no `randomUUID`, which is everywhere without TLS. */
export const randomKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

const jsonOf = async <T>(response: Response) => (await response.json()) as T;

async function pageOf<P extends Page>(response: Response) {
  const page = await jsonOf<P>(response);
  const items = Array.isArray(page) ? page : page.data;
  return { page, items: items as ItemOf<P>[], next: nextOf(page, response.headers.get("link") ?? "") };
}

/** A bare array names its next page in a `Link` header, everything else in itself. Null: this is the last one. */
function nextOf(page: Page, link: string): Call["query"] | null {
  if ("has_more" in page) return page.has_more ? { after: page.last_id! } : null;
  const [, linked] = /[?&]cursor=([^&>]+)[^>]*>; *rel="next"/.exec(link) ?? [];
  const cursor = Array.isArray(page) ? linked && decodeURIComponent(linked) : page.next_cursor;
  return cursor ? { cursor } : null;
}
