import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server as HttpServer } from "node:http";
import { once } from "node:events";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { freePort, Server } from "./server.ts";

const SECRET = `whsec_${Buffer.from("a key of twenty-four bytes").toString("base64")}`;
const settings = { WEBHOOK_RETRY_SCHEDULE: Array(60).fill("1").join() };

type Event = { id: string; type: string; data: { thread_id: string; message?: { role: string; status: string } } };

/** Somebody's server, which checks what it is sent as the documentation says. */
class Receiver {
  readonly port: number;
  readonly bodies = new Map<string, Set<string>>();
  readonly wrong: string[] = [];
  #server: HttpServer | null = null;

  constructor(port: number) {
    this.port = port;
  }

  get events(): Event[] {
    return [...this.bodies.values()].map(([body]) => JSON.parse(body!) as Event);
  }

  async start(): Promise<void> {
    this.#server = createServer((request, response) => {
      void this.#receive(request).then(() => response.end("ok"));
    });
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  stop(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  async #receive(request: IncomingMessage): Promise<void> {
    const body = await readText(request);
    const headers = request.headers as Record<string, string>;
    const hmac = createHmac("sha256", SECRET).update(body).digest("hex");
    if (headers["x-worken-signature"] !== hmac) this.wrong.push(body);
    new Webhook(SECRET).verify(body, headers);
    const { id } = JSON.parse(body) as Event;
    if (headers["webhook-id"] !== id) this.wrong.push(body);
    this.bodies.set(id, (this.bodies.get(id) ?? new Set()).add(body));
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

let server: Server;
let receiver: Receiver;
beforeAll(async () => {
  receiver = new Receiver(await freePort());
  server = await Server.start(settings);
});
afterAll(async () => {
  receiver.stop();
  await server.kill();
});

const ask = (thread: string) =>
  server.fetch("POST", `/chats/${server.demo.chatId}/threads/${thread}/stream`, {
    messages: [{ role: "user", content: "How long does delivery take?" }],
  });

it("tells a receiver that was down, while the server was killed, everything exactly once by its id", async () => {
  expect(server.output).toContain("OUTBOUND_POLICY=local");
  const url = `http://127.0.0.1:${receiver.port}/hook`;
  expect((await server.fetch("POST", "/webhook-endpoints", { url, secret: SECRET })).status).toBe(200);
  for (const thread of ["one", "two"]) await (await ask(thread)).text();
  const cut = await ask("three");
  await cut.body!.getReader().read();
  await server.kill();
  await server.start(settings);
  await (await ask("four")).text();
  // Whoever looks at the thread that was cut off wakes it; else its alarm does, some seconds later.
  await server.fetch("GET", `/chats/${server.demo.chatId}/threads/three/messages`);
  expect(receiver.events).toEqual([]);
  await receiver.start();
  const told = () =>
    receiver.events
      .map(({ type, data: { thread_id, message } }) =>
        [thread_id, type, message?.role, message?.status].join(" ").trim(),
      )
      .toSorted();
  const conversation = (thread: string, status = "complete") => [
    `${thread} thread.created`,
    `${thread} thread.message.created user complete`,
    `${thread} thread.message.created assistant ${status}`,
  ];
  const everything = ["one", "two", "four"].flatMap((thread) => conversation(thread));
  everything.push(...conversation("three", "interrupted"));
  // What was under way when the server was killed is taken for lost after 25 s, and sent again by the next sweep.
  await vi.waitFor(
    async () => {
      await server.sweep();
      expect(told()).toEqual(everything.toSorted());
    },
    { timeout: 60_000, interval: 1000 },
  );
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(told()).toEqual(everything.toSorted());
  expect(receiver.wrong).toEqual([]);
  expect([...receiver.bodies.values()].map(({ size }) => size)).toEqual(Array(12).fill(1));
}, 150_000);
