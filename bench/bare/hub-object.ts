const encoder = new TextEncoder();

/** Sends what is posted to all who listen. Nothing is stored: who is away misses it. */
export class HubObject {
  readonly #listeners = new Set<ReadableStreamDefaultController<Uint8Array>>();

  async fetch(request: Request): Promise<Response> {
    if (request.method === "POST") return this.#publish(await request.text());
    const start = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      this.#listeners.add(controller);
      request.signal.addEventListener("abort", () => this.#listeners.delete(controller));
    };
    return new Response(new ReadableStream({ start }), { headers: { "content-type": "text/event-stream" } });
  }

  #publish(event: string): Response {
    const frame = encoder.encode(`data: ${event}\n\n`);
    for (const listener of this.#listeners) this.#tell(listener, frame);
    return new Response();
  }

  #tell(listener: ReadableStreamDefaultController<Uint8Array>, frame: Uint8Array): void {
    try {
      listener.enqueue(frame);
    } catch {
      this.#listeners.delete(listener);
    }
  }
}
