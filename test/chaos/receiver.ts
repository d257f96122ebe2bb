import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Random } from "./random.ts";

export type Told = { id: string; type: string; data: { thread_id?: string; message?: { id: string } } };

/** It is not there at first, and afterwards for one delivery in three. */
const DOWN_MS = 6000;

/** Somebody's server that is told of what happens, and is down now and then. */
export class Receiver {
  /** The bodies that came under one id; more than one is a mistake. */
  readonly bodies = new Map<string, Set<string>>();
  refused = 0;
  readonly #random: Random;
  readonly #upAt = Date.now() + DOWN_MS;
  readonly #server = createServer();

  private constructor(seed: string) {
    this.#random = new Random(seed);
    this.#server.on("request", (request, response) => {
      void this.#take(request, response).catch(() => response.destroy());
    });
  }

  static async start(seed: string): Promise<Receiver> {
    const receiver = new Receiver(seed);
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server, "listening");
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** What it says to a delivery and what it does with it are two things: it may have heard what it refuses. */
  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += String(piece);
    const isDown = Date.now() < this.#upAt || this.#random.chance(0.3);
    if (isDown && this.#random.chance(0.7)) return this.#refuse(response);
    const id = String(request.headers["webhook-id"]);
    this.bodies.set(id, (this.bodies.get(id) ?? new Set()).add(body));
    if (isDown) return this.#refuse(response);
    response.end();
  }

  #refuse(response: ServerResponse): void {
    this.refused += 1;
    if (this.#random.chance(0.5)) response.destroy();
    else response.writeHead(503).end();
  }

  /** The ids of messages that were told of, as often as under different ids. */
  get messages(): string[] {
    return [...this.bodies.values()].flatMap(([body]) => {
      const { type, data } = JSON.parse(body!) as Told;
      return type === "thread.message.created" ? [data.message!.id] : [];
    });
  }
}
