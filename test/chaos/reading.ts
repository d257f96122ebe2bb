import { setTimeout as wait } from "node:timers/promises";
import { createParser } from "eventsource-parser";
import { textOf, type Question } from "./question.ts";
import type { World } from "./world.ts";

/** How it ended for the reader: as the stream said, `gone` where there was nothing to come back to, `left` for good. */
export type Ending = "finish" | "error" | "gone" | "left";

type Event = { type: string; textDelta?: string; delta?: string };

/** One client that asks a question and reads the answer, through all that happens to its connection. */
export class Reading {
  readonly question: Question;
  /** Whether the question is in the thread; null: the client cannot know. */
  accepted: boolean | null = null;
  /** Null where no answer was promised, or the model has failed before it was. */
  messageId: string | null = null;
  /** Whether that was told before the model failed: an answer of 502 names no message. */
  isPromised = false;
  text = "";
  ending: Ending | null = null;
  returns = 0;
  readonly from = Date.now();
  to = Infinity;
  /** How it went, for whoever has to find out why: each connection with what it asked for and the first and last id it brought. */
  readonly trail: string[] = [];
  /** What had been read when. */
  readonly progress: { at: number; characters: number }[] = [];
  readonly #world: World;
  readonly #thread: string;
  readonly #path: string;
  readonly #leaves: number[];
  #lastId: string | null = null;
  /** How many more events are read before the reader leaves. */
  #eventsLeft = Infinity;

  constructor(world: World, thread: string, path: string, question: Question) {
    this.#world = world;
    this.#thread = thread;
    this.#path = `${path}/stream`;
    this.question = question;
    this.#leaves = [...question.leaves];
  }

  /** Asks and reads to the end; `forGood`: does not come back once it has left. */
  async run(forGood = false): Promise<void> {
    let response = await this.#ask();
    for (;;) {
      if (response) await this.#read(response);
      if (!this.ending && forGood && response) this.ending = "left";
      if (this.ending) break;
      await wait(this.question.awayMs);
      response = await this.#comeBack();
    }
    this.to = Date.now();
  }

  /** The answer goes on under the same id: reads what is new in it. */
  async readOn(): Promise<void> {
    [this.ending, this.to] = [null, Infinity];
    while (!this.ending) {
      const response = await this.#comeBack();
      if (response) await this.#read(response);
    }
    this.to = Date.now();
  }

  async #ask(): Promise<Response | null> {
    const { identity } = this.question;
    const headers = identity === "key" ? { "idempotency-key": this.question.code } : undefined;
    const [path, body] = [this.#path + this.#protocol, this.#body()];
    if (identity !== "nothing") return this.#took(await this.#world.persist("POST", path, body, headers));
    const response = await this.#world.attempt("POST", path, body);
    if (!response) this.ending = "gone";
    return response && this.#took(response);
  }

  async #took(response: Response): Promise<Response | null> {
    this.accepted = response.ok || response.status === 502;
    this.messageId = response.headers.get("x-message-id");
    this.isPromised = response.ok;
    if (response.ok) return response;
    const text = await response.text().catch(() => "");
    if (!this.accepted) this.#world.violated("a question is accepted", this.#thread, `${response.status} ${text}`);
    this.ending = "error";
    return null;
  }

  /** After the last event that came; who has had none asks again, which makes no second question of it. */
  async #comeBack(): Promise<Response | null> {
    this.returns += 1;
    if (this.#lastId === null) {
      if (this.question.identity !== "nothing") return this.#ask();
      this.ending = "gone";
      return null;
    }
    const headers = { "last-event-id": this.#lastId };
    const response = await this.#world.persist("GET", this.#path + this.#protocol, undefined, headers);
    if (response.status === 200) return response;
    await response.text().catch(() => "");
    if (response.status !== 204) this.#world.violated("a reader can come back", this.#thread, String(response.status));
    this.ending = "gone";
    return null;
  }

  async #read(response: Response): Promise<void> {
    this.#eventsLeft = this.#leaves.shift() ?? Infinity;
    this.trail.push(`after ${this.#lastId ?? "nothing"}: ${response.status} brought`);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const parser = createParser({
      onEvent: ({ id, data }) => {
        // What came in one piece with the end, or after the connection is given up, is not looked at.
        if (this.ending || this.#eventsLeft === 0 || data === "[DONE]") return;
        this.#eventsLeft -= 1;
        this.#take(JSON.parse(data) as Event, id ?? null);
      },
    });
    try {
      while (!this.ending && this.#eventsLeft > 0) {
        const { done, value } = await reader.read();
        if (done) break;
        parser.feed(value);
      }
    } catch {
      // The connection broke: that is what this program is for.
    }
    await reader.cancel().catch(() => undefined);
  }

  #take(event: Event, id: string | null): void {
    if (id !== null) this.#moveTo(id);
    if (event.type === "text-delta") {
      this.text += event.textDelta ?? event.delta ?? "";
      this.progress.push({ at: Date.now(), characters: this.text.length });
    } else if (event.type === "finish" || event.type === "error") this.ending = event.type;
  }

  /** In one connection, and from one to the next, nothing comes twice: ids grow. One event may be several chunks for a UI. */
  #moveTo(id: string): void {
    const before = this.#lastId;
    this.#lastId = id;
    this.#note(id);
    if (before === null || this.question.fault === "tool") return;
    const [seq, event] = id.split(".").map(Number) as [number, number];
    const [seqBefore, eventBefore] = before.split(".").map(Number) as [number, number];
    const grows =
      seq === seqBefore && (event > eventBefore || (event === eventBefore && this.question.format === "ui"));
    if (grows || this.#world.wasDisturbed(this.from, Date.now()) || this.#isReplay(event)) return;
    this.#world.violated(
      "no event of a stream comes twice",
      this.#thread,
      `${this.question.code}: ${id} after ${before}`,
    );
  }

  /** A stored answer is told anew, in fewer events. */
  readonly #isReplay = (event: number) => this.returns > 0 && event <= 2;

  #note(id: string): void {
    const [first] = this.trail.at(-1)!.split(" .. ");
    const isFirst = first!.endsWith("brought");
    this.trail[this.trail.length - 1] = isFirst ? `${first} ${id}` : `${first} .. ${id}`;
  }

  get #protocol(): string {
    return this.question.format === "ui" ? "?protocol=ui" : "";
  }

  #body(): object {
    const text = textOf(this.question);
    if (this.question.identity !== "message") return { messages: [{ role: "user", content: text }] };
    return { messages: [{ id: this.question.code, role: "user", parts: [{ type: "text", text }] }] };
  }
}
