import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { inCall, readQuestion, wordOf, type Question } from "./question.ts";

type Asked = Pick<Question, "code" | "fault" | "words" | "said" | "paceMs">;
type Said = { role: string; content?: unknown };

/** An OpenAI-compatible model that fails as each question tells it to. */
export class Upstream {
  readonly url: string;
  /** How often each question reached the model. */
  readonly calls = new Map<string, number>();
  readonly #close: () => void;

  private constructor(url: string, close: () => void) {
    this.url = url;
    this.#close = close;
  }

  static async start(): Promise<Upstream> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const upstream = new Upstream(`http://127.0.0.1:${port}/v1`, () => {
      server.closeAllConnections();
      server.close();
    });
    server.on(
      "request",
      (request, response) => void upstream.#serve(request, response).catch(() => response.destroy()),
    );
    return upstream;
  }

  stop(): void {
    this.#close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => response.destroy());
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
    const { messages } = JSON.parse(body) as { messages: Said[] };
    const asked = readQuestion(String(messages.findLast(({ role }) => role === "user")?.content));
    if (!asked) return refuse(response, 400, {});
    const calls = (this.calls.get(asked.code) ?? 0) + 1;
    this.calls.set(asked.code, calls);
    if (asked.fault === "tool" && messages.at(-1)?.role !== "tool") return callTool(response);
    if (!(await failBefore(response, asked, calls))) await say(response, asked, calls);
  }
}

/** True: the request is dealt with, and not a word was said. */
async function failBefore(response: ServerResponse, { fault }: Asked, calls: number): Promise<boolean> {
  if (fault === "error-before" || (fault === "flaky" && calls === 1)) refuse(response, 500, {});
  else if (fault === "busy" && calls === 1) refuse(response, 429, { "retry-after": "1" });
  else if (fault === "very-busy") refuse(response, 429, { "retry-after": "90" });
  else if (fault === "unauthorized") refuse(response, 401, {});
  else if (fault === "html") response.writeHead(200, { "content-type": "text/html" }).end("<html>Bad gateway</html>");
  else if (fault === "cut-before") response.destroy();
  else if (fault === "malformed-before") open(response).end("data: {not json\n\n");
  else if (fault === "empty") open(response).end(chunkOf({}, "stop") + DONE);
  else if (fault === "hang-before") open(response).write(": \n\n");
  else return false;
  return true;
}

async function say(response: ServerResponse, asked: Asked, call: number): Promise<void> {
  const breaks = asked.fault.endsWith("-after");
  open(response);
  for (let index = 0; index < (breaks ? asked.said : asked.words) && !response.destroyed; index++) {
    const bytes = Buffer.from(chunkOf({ content: inCall(call, index, wordOf(asked.code, index)) }));
    if (asked.fault === "split") await writeSplit(response, bytes);
    else response.write(bytes);
    if (asked.paceMs > 0) await wait(asked.paceMs);
  }
  if (breaks) {
    // What was said shall arrive before the connection breaks.
    await wait(30);
    return failAfter(response, asked);
  }
  response.end(chunkOf({}, "stop") + (asked.fault === "no-done" ? "" : DONE));
}

function failAfter(response: ServerResponse, { fault }: Asked): void {
  if (fault === "error-after") response.end(`data: ${JSON.stringify({ error: { message: "overloaded" } })}\n\n`);
  else if (fault === "malformed-after") response.end('data: {"choices":[{"delta":{"content":"br\n\n');
  else if (fault === "stops-after") response.end();
  else if (fault === "cut-after") response.destroy();
}

/** Cuts at a byte in the middle, wherever that falls. */
async function writeSplit(response: ServerResponse, bytes: Buffer): Promise<void> {
  const at = bytes.length - 40;
  response.write(bytes.subarray(0, at));
  await wait(1);
  response.write(bytes.subarray(at, at + 1));
  await wait(1);
  response.write(bytes.subarray(at + 1));
}

function callTool(response: ServerResponse): void {
  const call = { name: "handoff_to_operator", arguments: JSON.stringify({ reason: "chaos" }) };
  const delta = { tool_calls: [{ index: 0, id: "call_1", type: "function", function: call }] };
  open(response).end(chunkOf(delta) + chunkOf({}, "tool_calls") + DONE);
}

function refuse(response: ServerResponse, status: number, headers: Record<string, string>): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ error: { message: "no" } }));
}

const open = (response: ServerResponse) => response.writeHead(200, { "content-type": "text/event-stream" });

function chunkOf(delta: object, finishReason: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: finishReason }];
  return `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 1, model: "chaos", choices })}\n\n`;
}

const DONE = "data: [DONE]\n\n";
