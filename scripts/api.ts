import { setTimeout as wait } from "node:timers/promises";

const BETWEEN_TRIES_MS = 250;
const LONGEST_TRY_MS = 30_000;

/** `patienceMs`: how long what a server cannot do yet (no connection, 429, 5xx) is tried again. POSTs then want a `once`. */
type Options = { patienceMs?: number };

/** Calls the API of a running server; an answer that is no success is an error that says what was answered. */
export class ServerApi {
  readonly url: string;
  readonly #key: string;
  readonly #patienceMs: number;

  constructor(url: string, key: string, { patienceMs = 0 }: Options = {}) {
    this.url = url;
    this.#key = key;
    this.#patienceMs = patienceMs;
  }

  async fetch(method: string, path: string, body?: object, once?: string): Promise<Response> {
    const until = Date.now() + this.#patienceMs;
    for (;;) {
      const isLast = Date.now() >= until;
      const response = await this.#try(method, path, body, once).catch((error: unknown) => {
        if (isLast) throw error;
      });
      if (response && (isLast || !isNotYet(response.status))) return response;
      await response?.body?.cancel();
      await wait(BETWEEN_TRIES_MS);
    }
  }

  async call<T>(method: string, path: string, body?: object, once?: string): Promise<T> {
    const response = await this.fetch(method, path, body, once);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text) as T;
  }

  get = <T>(path: string) => this.call<T>("GET", path);
  /** `once`: an Idempotency-Key; what is posted twice with it happens once. */
  post = <T>(path: string, body: object = {}, once?: string) => this.call<T>("POST", path, body, once);

  #try(method: string, path: string, body: object | undefined, once: string | undefined): Promise<Response> {
    return fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#key}`,
        "content-type": "application/json",
        ...(once ? { "idempotency-key": once } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      ...(this.#patienceMs > 0 ? { signal: AbortSignal.timeout(LONGEST_TRY_MS) } : {}),
    });
  }
}

const isNotYet = (status: number) => status === 429 || status >= 500;
