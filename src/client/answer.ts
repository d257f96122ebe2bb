import type { Call, CallOptions, Connection } from "./connection.ts";
import { ConnectionError, WorkenError } from "./errors.ts";
import { LONG, pause } from "./patience.ts";
import { readEvents } from "./sse.ts";
import type { Message, Stopped, StreamEvent } from "./types.ts";

/** `message`: the answer as it is stored, where what was streamed may differ from it. It is what counts. */
type Failure = Extract<StreamEvent, { type: "error" }> & { message?: Message };

/** Every event has a `textDelta`, if only an undefined one, so that the text can be had without asking for the type. */
export type AnswerEvent = (Exclude<StreamEvent, { type: "error" }> | Failure) & { textDelta?: string };

type Events = AsyncGenerator<AnswerEvent, void, undefined>;

/** `path` is the thread's; `first` the request that the answer came to. */
type Source = { connection: Connection; path: string; first: Call; signal: AbortSignal };

/**
 * An answer as it is made. A connection that is lost is taken up again where it broke, so that no text is missed and
 * none comes twice. Whoever leaves the loop leaves the answer to go on without him.
 */
export class Answer implements AsyncIterable<AnswerEvent> {
  readonly threadId: string;
  /** Null: nobody answers now, as in a thread that an operator has taken over. */
  readonly messageId: string | null;
  /** Names what was scheduled, where the answer comes later; else null. */
  readonly scheduleId: string | null;
  /** With this, `resume` brings what comes after the last event that was read. */
  lastEventId: string | null;
  readonly #source: Source;
  readonly #reading: AbortController;
  readonly #events: Events;
  /** How many characters of the answer came before what is read here. */
  readonly #offset: number;
  #text = "";

  private constructor(source: Source, reading: AbortController, response: Response, lastEventId: string | null) {
    this.threadId = response.headers.get("x-thread-id") ?? "";
    this.messageId = response.headers.get("x-message-id");
    this.scheduleId = response.headers.get("x-schedule-id");
    this.lastEventId = lastEventId;
    this.#source = source;
    this.#reading = reading;
    this.#events = this.#run(response);
    this.#offset = Number(lastEventId?.split(".")[2] ?? 0);
  }

  /** Null: there is no answer to read. */
  static async open(connection: Connection, path: string, first: Call, lastEventId?: string): Promise<Answer | null> {
    const reading = new AbortController();
    const signal = first.signal ? AbortSignal.any([first.signal, reading.signal]) : reading.signal;
    const source = { connection, path, first: { ...first, signal }, signal };
    const response = await connection.open(source.first);
    return response.status === 204 ? null : new Answer(source, reading, response, lastEventId ?? null);
  }

  [Symbol.asyncIterator](): Events {
    return this.#events;
  }

  /** Reads to the end, and rejects if that is an error. */
  async text(): Promise<string> {
    for await (const event of this.#events) {
      if (event.type === "error") throw new WorkenError(200, event.error, { error: "Answer Failed" });
    }
    return this.#text;
  }

  /** Reads to the end, and then the message as it is stored; null where there is none. */
  async message(): Promise<Message | null> {
    while (!(await this.#events.next()).done);
    return this.#stored();
  }

  /** Ends the answer that is being made in the thread; it keeps what it said. */
  stop(options?: CallOptions): Promise<Stopped> {
    const { connection, path } = this.#source;
    return connection.post<Stopped>(`${path}/stop`, undefined, options);
  }

  /** Ends the reading; the answer goes on. */
  cancel(): void {
    this.#reading.abort();
  }

  async *#run(first: Response): Events {
    let [response, barren]: [Response | null, number] = [first, 0];
    try {
      for (;;) {
        for await (const event of response ? this.#read(response) : this.#settle()) {
          barren = 0;
          yield event.type === "error" && response !== first ? await this.#withMessage(event) : event;
          if (event.type === "finish" || event.type === "error") return;
        }
        const ms = LONG[barren++];
        if (ms === undefined) throw new ConnectionError("the stream of the answer breaks off again and again");
        await pause(ms, this.#source.signal);
        response = await this.#reopen();
      }
    } catch (error) {
      if (!this.#reading.signal.aborted) throw error;
    }
  }

  async *#read(response: Response): Events {
    for await (const { id, data } of readEvents(response.body!)) {
      if (!data) continue;
      const event = JSON.parse(data) as AnswerEvent;
      this.lastEventId = id || this.lastEventId;
      if (event.type === "text-delta") this.#text += event.textDelta;
      yield event;
    }
  }

  /** While no event has come, the first request is repeated: it leads to the same answer. Null: that is not running. */
  async #reopen(): Promise<Response | null> {
    const { connection, path, first, signal } = this.#source;
    const headers = { "last-event-id": this.lastEventId ?? "" };
    const rest: Call = { method: "GET", path: `${path}/stream`, headers, signal };
    const response = await connection.open({ ...(this.lastEventId === null ? first : rest), patience: LONG });
    const messageId = response.headers.get("x-message-id");
    if (response.status !== 204 && (messageId === null || messageId === this.messageId)) return response;
    await response.body?.cancel();
    return null;
  }

  /** What is stored says how an answer ended that is not running any more. Nothing comes if it is running again. */
  async *#settle(): Events {
    const message = await this.#stored(this.#source.signal);
    if (message?.status === "pending" || message?.status === "streaming") return;
    const stored = message?.content.slice(this.#offset) ?? "";
    const agrees = stored.startsWith(this.#text);
    const textDelta = agrees ? stored.slice(this.#text.length) : "";
    this.#text += textDelta;
    if (textDelta) yield { type: "text-delta", textDelta };
    if (!message) yield { type: "error", error: "the answer is not there any more" };
    else if (agrees && isWhole(message)) yield { type: "finish", finishReason: "stop" };
    else yield { type: "error", error: message.error ?? "what is stored differs from what was streamed", message };
  }

  async #withMessage(event: Failure): Promise<AnswerEvent> {
    const message = event.message ?? (await this.#stored(this.#source.signal).catch(() => null));
    return message ? { ...event, message } : event;
  }

  async #stored(signal?: AbortSignal): Promise<Message | null> {
    const { connection, path } = this.#source;
    for await (const message of connection.list<Message[]>(`${path}/messages`, {}, { signal })) {
      if (message.id === this.messageId) return message;
    }
    return null;
  }
}

const isWhole = ({ status }: Message) => status === "complete" || status === "stopped";
