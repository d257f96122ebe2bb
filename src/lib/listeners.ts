/** About what a message costs to one listener. Telling all of them must leave time for the next who tells something. */
const MS_PER_LISTENER = 0.06;
/** Pauses shorter than this are not worth a timer: few listeners are told everything at once. */
const SHORTEST_PAUSE_MS = 3;

/**
 * The live listeners of a Durable Object, as hibernatable WebSockets: while nothing happens the object need not be in
 * memory. One message carries all events of one moment; where many listen, of the pause after the last one as well.
 */
export class Listeners {
  readonly #state: DurableObjectState;
  /** JSON arrays of events that all listeners are still to be told. */
  #waiting: string[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #freeAt = 0;

  constructor(state: DurableObjectState) {
    this.#state = state;
  }

  /** Answers an upgrade request; `backlog` is sent first, and holds all that was published before. */
  accept(backlog: string): Response {
    this.#tellAll();
    const { 0: client, 1: server } = new WebSocketPair();
    this.#state.acceptWebSocket(server);
    server.send(backlog);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** `events` is a JSON array that is not empty. Order is kept. */
  publish(events: string): void {
    this.#waiting.push(events);
    if (this.#timer !== null) return;
    const pause = this.#freeAt - Date.now();
    if (pause <= 0) this.#tellAll();
    else this.#timer = setTimeout(() => this.#tellAll(), pause);
  }

  close(): void {
    this.#tellAll();
    for (const socket of this.#state.getWebSockets()) socket.close(1000);
  }

  #tellAll(): void {
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
    if (this.#waiting.length === 0) return;
    const events = this.#waiting.length === 1 ? this.#waiting[0]! : joined(this.#waiting);
    this.#waiting = [];
    const sockets = this.#state.getWebSockets();
    for (const socket of sockets) tell(socket, events);
    const pause = sockets.length * MS_PER_LISTENER;
    this.#freeAt = pause < SHORTEST_PAUSE_MS ? 0 : Date.now() + pause;
  }
}

function tell(socket: WebSocket, events: string): void {
  try {
    socket.send(events);
  } catch {
    socket.close(1011);
  }
}

/** One JSON array of several. */
const joined = (arrays: string[]) => `[${arrays.map((array) => array.slice(1, -1)).join(",")}]`;
