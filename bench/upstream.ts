import { createServer, type Socket } from "node:net";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import type { Target } from "./load.ts";

/** How the fake model answers; can be changed while it runs. */
export type Answering = { chunks: number; firstTokenMs: number; intervalMs: number };

/** A fake OpenAI-compatible model in a process of its own, so that it shares no event loop with the load. */
export class Upstream {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(url: string, process: ChildProcess) {
    this.url = url;
    this.#process = process;
  }

  static async start(answering: Answering): Promise<Upstream> {
    const child = fork(import.meta.filename, ["serve"], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const [port] = (await once(child, "message")) as [number];
    const upstream = new Upstream(`http://127.0.0.1:${port}/v1`, child);
    await upstream.answer(answering);
    return upstream;
  }

  /** The model without anything in front of it. */
  get target(): Target {
    return { url: () => `${this.url}/chat/completions`, key: "bench", body: "{}", word: '"content"', end: "[DONE]" };
  }

  async answer(answering: Answering): Promise<void> {
    this.#process.send(answering);
    await once(this.#process, "message");
  }

  stop(): void {
    this.#process.disconnect();
  }
}

/** Speaks just enough HTTP on bare sockets: `node:http` would cost more than the models that it stands for. */
async function serve(): Promise<void> {
  let answering: Answering = { chunks: 32, firstTokenMs: 0, intervalMs: 0 };
  process.on("message", (next: Answering) => {
    answering = next;
    process.send!("ok");
  });
  process.on("disconnect", () => process.exit(0));
  const server = createServer({ noDelay: true }, (socket) => {
    let received = "";
    socket.on("error", () => socket.destroy());
    socket.setEncoding("latin1").on("data", (text: string) => {
      received += text;
      const end = endOfRequest(received);
      if (end === null) return;
      received = received.slice(end);
      void answerOn(socket, answering);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  process.send!((server.address() as { port: number }).port);
}

function endOfRequest(text: string): number | null {
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return null;
  const length = Number(/^content-length: *(\d+)/im.exec(text.slice(0, head))?.[1] ?? 0);
  return text.length >= head + 4 + length ? head + 4 + length : null;
}

/** Each chunk is a write of its own in a turn of its own of the event loop, as a model's words come one by one. */
async function answerOn(socket: Socket, { chunks, firstTokenMs, intervalMs }: Answering): Promise<void> {
  socket.write(HEAD);
  await (firstTokenMs > 0 ? wait(firstTokenMs) : nextTick());
  for (let count = 0; count < chunks && !socket.destroyed; count++) {
    socket.write(WORDS[count % WORDS.length]!);
    await (intervalMs > 0 ? wait(intervalMs) : nextTick());
  }
  socket.write(TAIL);
}

const nextTick = () => new Promise<void>((resolve) => setImmediate(resolve));

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const WORDS = ["The", " quick", " brown", " fox", " jumps", " over", " the", " lazy dog."].map((content) =>
  frame({ choices: [{ index: 0, delta: { content }, logprobs: null, finish_reason: null }] }),
);
const TAIL = [
  frame({ choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: "stop" }] }),
  frame({ choices: [], usage: { prompt_tokens: 20, completion_tokens: 32, total_tokens: 52 } }),
  httpChunk("data: [DONE]\n\n"),
  "0\r\n\r\n",
].join("");

/** With the members that OpenAI's own chunks have. */
function frame(more: object): string {
  const id = "chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012";
  const chunk = { id, object: "chat.completion.chunk", created: 1_790_000_000, model: "bench-model", ...more };
  return httpChunk(`data: ${JSON.stringify(chunk)}\n\n`);
}

function httpChunk(data: string): string {
  return `${data.length.toString(16)}\r\n${data}\r\n`;
}

if (process.argv[2] === "serve") await serve();
