/**
 * The live listeners of a Durable Object, as hibernatable WebSockets: while nothing happens the object need not be in
 * memory. One message carries all frames of one moment.
 */
export class Listeners {
  readonly #state: DurableObjectState;

  constructor(state: DurableObjectState) {
    this.#state = state;
  }

  /** Answers an upgrade request; `backlog` is sent first. */
  accept(backlog: string): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.#state.acceptWebSocket(server);
    server.send(backlog);
    return new Response(null, { status: 101, webSocket: client });
  }

  publish(frames: string): void {
    for (const socket of this.#state.getWebSockets()) {
      try {
        socket.send(frames);
      } catch {
        socket.close(1011);
      }
    }
  }

  close(): void {
    for (const socket of this.#state.getWebSockets()) socket.close(1000);
  }
}
