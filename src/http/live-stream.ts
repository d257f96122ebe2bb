import type { LiveEvent } from "../core/live-events.ts";
import type { LoggedEvent } from "../lib/event-log.ts";

const HEARTBEAT_MS = 15_000;
const encoder = new TextEncoder();

/** Says a live event in a dialect's words; null: the dialect does not have it. */
export type LiveView = (event: LiveEvent) => object | null;

/**
 * Holds a client's server-sent events and feeds them from an object's socket, so that the object may sleep while nothing
 * happens. A lost client is noticed by the heartbeat at the latest.
 */
export function liveStream(socket: WebSocket, signal: AbortSignal, view: LiveView): Response {
  const bridge = new Bridge(socket, view);
  signal.addEventListener("abort", () => bridge.end());
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => bridge.start(controller),
    cancel: () => bridge.end(),
  });
  return new Response(stream, { headers: SSE_HEADERS });
}

/** Ends once, from whichever side: the client's cancel, its abort, or the object's close. */
class Bridge {
  #open = true;
  #heartbeat: ReturnType<typeof setInterval> | null = null;
  readonly #socket: WebSocket;
  readonly #view: LiveView;

  constructor(socket: WebSocket, view: LiveView) {
    this.#socket = socket;
    this.#view = view;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#heartbeat = setInterval(() => controller.enqueue(PING), HEARTBEAT_MS);
    this.#socket.addEventListener("message", ({ data }) => {
      if (this.#open) controller.enqueue(framesOf(String(data), this.#view));
    });
    this.#socket.addEventListener("close", () => {
      if (this.#open) controller.close();
      this.end();
    });
  }

  end(): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#heartbeat ?? undefined);
    this.#socket.close(1000);
  }
}

export const SSE_HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

const PING = encoder.encode(": \n\n");

let last: { text: string; view: LiveView; frames: Uint8Array } | null = null;

/** All listeners of a project are sent the same text one after the other: it is translated once. */
function framesOf(text: string, view: LiveView): Uint8Array {
  if (last?.text === text && last.view === view) return last.frames;
  const frames = (JSON.parse(text) as LoggedEvent<LiveEvent | null>[]).map(({ id, event }) => frame(id, event, view));
  last = { text, view, frames: encoder.encode(frames.join("")) };
  return last.frames;
}

/** An id without data moves the listener's place on, and is no event for it. */
function frame(id: string, event: LiveEvent | null, view: LiveView): string {
  const shown = event && view(event);
  return shown ? `id: ${id}\ndata: ${JSON.stringify(shown)}\n\n` : `id: ${id}\n\n`;
}
