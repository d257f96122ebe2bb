/** A chat completions request as the fake upstream received it. */
export type UpstreamRequest = {
  model: string;
  messages: { role: string; content: string; tool_calls?: unknown; tool_call_id?: string }[];
  tools?: { function: { name: string } }[];
  stream?: boolean;
  [setting: string]: unknown;
};

type Answer = (request: UpstreamRequest, signal: AbortSignal) => Response | Promise<Response>;

const models = new Map<string, FakeModel>();
const BASE_URL = "http://upstream.test/v1";

/** What stands in for a messaging vendor, by its origin. */
export const fakeVendors = new Map<string, (request: Request) => Response | Promise<Response>>();

const realFetch = globalThis.fetch;

/** Whoever could send us elsewhere would be told there what is for the vendor alone. */
const FOLLOWED = new TypeError("a vendor's redirect would be followed");

/** Set once for all files, which share one runtime. */
globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const vendor = fakeVendors.get(new URL(request.url).origin);
  if (vendor) return request.redirect === "manual" ? vendor(request) : Promise.reject(FOLLOWED);
  // A vendor whose fake this file does not need is down: an integration waits for it.
  if (new URL(request.url).hostname.endsWith(".test") && !request.url.startsWith(BASE_URL))
    return new Response(null, { status: 503 });
  if (!request.url.startsWith(BASE_URL)) return realFetch(request);
  const body = await request.json<UpstreamRequest>();
  const model = models.get(body.model);
  return model
    ? model.answer(body, request.signal)
    : Response.json({ error: { message: "no such model" } }, { status: 404 });
};

/** A model of the fake upstream, under a name that no other test uses. It answers its calls with the given answers in turn, the last of them for ever. */
export class FakeModel {
  readonly name = `m-${crypto.randomUUID()}`;
  readonly id = `openai/${this.name}`;
  readonly requests: UpstreamRequest[] = [];
  readonly #answers: Answer[];

  constructor(...answers: Answer[]) {
    this.#answers = answers;
    models.set(this.name, this);
  }

  answer(request: UpstreamRequest, signal: AbortSignal): Response | Promise<Response> {
    const next = this.#answers[Math.min(this.requests.length, this.#answers.length - 1)]!;
    this.requests.push(request);
    return next(request, signal);
  }
}

const USAGE = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
export const chunk = (data: object) => `data: ${JSON.stringify({ object: "chat.completion.chunk", ...data })}\n\n`;
export const textChunk = (content: string) => chunk({ choices: [{ index: 0, delta: { content } }] });
export const endChunks = (finish_reason = "stop") =>
  `${chunk({ choices: [{ index: 0, delta: {}, finish_reason }] })}${chunk({ choices: [], usage: USAGE })}data: [DONE]\n\n`;

const sse = (body: BodyInit) => new Response(body, { headers: { "content-type": "text/event-stream" } });

/** Says these pieces and ends well. */
export const says =
  (...pieces: string[]): Answer =>
  (request) =>
    request.stream
      ? sse(pieces.map(textChunk).join("") + endChunks())
      : Response.json({
          id: "1",
          created: 1,
          model: request.model,
          object: "chat.completion",
          choices: [{ index: 0, message: { role: "assistant", content: pieces.join("") }, finish_reason: "stop" }],
          usage: USAGE,
        });

/** Sends exactly this as its event stream. */
export const sends =
  (...raw: string[]): Answer =>
  () =>
    sse(raw.join(""));

export const fails =
  (status: number, headers: Record<string, string> = {}, error: object = { message: "no" }): Answer =>
  () =>
    Response.json({ error }, { status, headers });

export const callsTool =
  (name: string, args: object, id = "call_1"): Answer =>
  () => {
    const json = JSON.stringify(args);
    const half = Math.floor(json.length / 2);
    const delta = (call: object) => chunk({ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, ...call }] } }] });
    return sse(
      delta({ id, type: "function", function: { name, arguments: json.slice(0, half) } }) +
        delta({ function: { arguments: json.slice(half) } }) +
        endChunks("tool_calls"),
    );
  };

const encoder = new TextEncoder();

/**
 * An answer that is said piece by piece, when the test wants it. The stream belongs to the object that called the model
 * and may be written by nobody else, so it looks here for what to say.
 */
export class HeldAnswer {
  aborted = false;
  readonly #queue: (string | null)[] = [];

  readonly answer: Answer = (_request, signal) => {
    signal.addEventListener("abort", () => (this.aborted = true));
    return sse(new ReadableStream<Uint8Array>({ pull: (controller) => this.#next(controller, signal) }));
  };

  say(...pieces: string[]): void {
    this.#queue.push(pieces.map(textChunk).join(""));
  }

  send(raw: string): void {
    this.#queue.push(raw);
  }

  end(): void {
    this.#queue.push(endChunks(), null);
  }

  async #next(controller: ReadableStreamDefaultController<Uint8Array>, signal: AbortSignal): Promise<void> {
    while (this.#queue.length === 0 && !signal.aborted) await scheduler.wait(2);
    if (signal.aborted) return controller.error(signal.reason);
    const next = this.#queue.shift();
    if (next) controller.enqueue(encoder.encode(next));
    else controller.close();
  }
}
