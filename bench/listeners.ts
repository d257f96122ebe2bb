import { Agent, get, type IncomingMessage } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

const CREATED =
  /"type":"message_created"[^}]*?"message_id":"([^"]+)"|"message_id":"([^"]+)"[^}]*?"type":"message_created"/g;

type Piece = { atMs: number; bytes: Buffer };

/** Many listeners of one stream of events. What comes is only kept, and read when all is over, so that they cost little. */
export class Listeners {
  readonly #responses: IncomingMessage[] = [];
  readonly #pieces: Piece[][] = [];
  readonly #agent = new Agent({ maxSockets: Infinity });

  static async open(count: number, url: string, headers: Record<string, string>): Promise<Listeners> {
    const listeners = new Listeners();
    for (let opened = 0; opened < count; opened++) await listeners.#open(url, headers);
    // Whoever came last is told what happened before, if anything; that is not measured.
    await wait(500);
    for (const pieces of listeners.#pieces) pieces.length = 0;
    return listeners;
  }

  async #open(url: string, headers: Record<string, string>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    get(url, { headers, agent: this.#agent }, resolve).on("error", reject);
    const response = await promise;
    if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`);
    const pieces: Piece[] = [];
    response.on("data", (bytes: Buffer) => pieces.push({ atMs: performance.now(), bytes }));
    response.on("error", () => {});
    this.#responses.push(response);
    this.#pieces.push(pieces);
  }

  /** Waits until the first and the last listener have that many events, and a little for the others. */
  async settle(events: number, atMostMs: number): Promise<void> {
    const until = performance.now() + atMostMs;
    const isDone = (pieces: Piece[] | undefined) => eventsIn(pieces ?? []).size >= events;
    while (performance.now() < until && !(isDone(this.#pieces[0]) && isDone(this.#pieces.at(-1)))) await wait(100);
    await wait(500);
  }

  /** For each listener, when it was told of which message. */
  received(): Map<string, number[]>[] {
    return this.#pieces.map(eventsIn);
  }

  close(): void {
    for (const response of this.#responses) response.destroy();
    this.#agent.destroy();
  }
}

function eventsIn(pieces: Piece[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  let rest = "";
  for (const { atMs, bytes } of pieces) {
    const text = rest + bytes.toString("latin1");
    const end = text.lastIndexOf("\n\n") + 2;
    for (const [, first, second] of text.slice(0, end).matchAll(CREATED)) {
      const id = (first ?? second)!;
      found.set(id, [...(found.get(id) ?? []), atMs]);
    }
    rest = end > 1 ? text.slice(end) : text;
  }
  return found;
}
