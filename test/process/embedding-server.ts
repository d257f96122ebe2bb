import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

const PACE_MS = 150;

/** So often it has too much to do, and says when to come back. */
const BUSY_EVERY = 6;

/** An OpenAI-compatible embedding model that takes its time, is too busy now and then, and counts what it reads. */
export class EmbeddingServer {
  readonly settings: Record<string, string>;
  readonly stop: () => void;
  calls = 0;
  texts = 0;
  #asked = 0;
  readonly #read = new Set<string>();

  private constructor(port: number, stop: () => void) {
    this.settings = { OPENAI_API_KEY: "key", OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` };
    this.stop = stop;
  }

  static async start(): Promise<EmbeddingServer> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const made = new EmbeddingServer((server.address() as AddressInfo).port, () => {
      server.closeAllConnections();
      server.close();
    });
    server.on("request", (request, response) => {
      void (async () => {
        let body = "";
        for await (const piece of request.setEncoding("utf8")) body += String(piece);
        response.setHeader("content-type", "application/json");
        if (++made.#asked % BUSY_EVERY === 0) {
          response.writeHead(429, { "retry-after": "1" });
          response.end(JSON.stringify({ error: { message: "Rate limit reached", code: "rate_limit_exceeded" } }));
          return;
        }
        response.end(await made.#answer(JSON.parse(body) as { model: string; input: string[] }));
      })().catch(() => response.destroy());
    });
    return made;
  }

  /** How many different texts there were. */
  get distinct(): number {
    return this.#read.size;
  }

  async #answer({ model, input }: { model: string; input: string[] }): Promise<string> {
    this.calls += 1;
    this.texts += input.length;
    for (const text of input) this.#read.add(text);
    await wait(PACE_MS);
    const data = input.map((text, index) => ({ object: "embedding", index, embedding: [text.length % 7, 1, 0.5] }));
    return JSON.stringify({ object: "list", model, data, usage: { prompt_tokens: 1, total_tokens: 1 } });
  }
}
