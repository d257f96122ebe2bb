import { setTimeout as wait } from "node:timers/promises";
import { createParser } from "eventsource-parser";
import type { World } from "./world.ts";

export type LiveEvent = {
  id: string;
  at: number;
  thread_id: string;
  type: string;
  message_id?: string;
  pending_count?: number;
  mode?: string;
};

const LONGEST_SILENCE_MS = 10_000;

/** Listens to live events for as long as it is wanted, each time from the last id it was given. */
export class FeedListener {
  readonly events: LiveEvent[] = [];
  connections = 0;
  readonly #world: World;
  readonly #path: string;
  readonly #stayMs: () => number;
  readonly #end = new AbortController();
  #lastId = "0";

  /** `stayMs`: how long a connection is kept before it is given up. */
  constructor(world: World, path: string, stayMs: () => number = () => Infinity) {
    this.#world = world;
    this.#path = path;
    this.#stayMs = stayMs;
  }

  async run(): Promise<void> {
    while (!this.#end.signal.aborted) {
      const response = await this.#connect();
      if (response?.body) await this.#read(response.body);
      await wait(50);
    }
  }

  end(): void {
    this.#end.abort();
  }

  /** Reads until nothing has come for a while, though at least something, which a busy machine may be slow to bring. */
  async untilQuiet(quietMs: number): Promise<LiveEvent[]> {
    const running = this.run();
    const until = Date.now() + LONGEST_SILENCE_MS;
    for (let known = -1; known !== this.events.length || this.#isWaiting(until); await wait(quietMs)) {
      known = this.events.length;
    }
    this.end();
    await running;
    return this.events;
  }

  #isWaiting(until: number): boolean {
    return this.connections === 0 || (this.events.length === 0 && Date.now() < until);
  }

  async #connect(): Promise<Response | null> {
    const headers = { "last-event-id": this.#lastId };
    const response = await this.#world.attempt("GET", this.#path, undefined, headers, this.#end.signal);
    if (response?.ok) this.connections += 1;
    return response;
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    const leave = () => void reader.cancel().catch(() => undefined);
    const stay = this.#stayMs();
    const timer = stay < Infinity ? setTimeout(leave, stay) : undefined;
    const parser = createParser({ onEvent: ({ id, data }) => this.#take(id, data) });
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read()) parser.feed(read.value);
    } catch {
      // Broken: it comes back.
    }
    clearTimeout(timer);
  }

  #take(id: string | undefined, data: string): void {
    if (id !== undefined) this.#lastId = id;
    if (data) this.events.push({ id: id ?? "", at: Date.now(), ...(JSON.parse(data) as Omit<LiveEvent, "id" | "at">) });
  }
}
