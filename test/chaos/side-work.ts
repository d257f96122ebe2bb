import { setTimeout as wait } from "node:timers/promises";
import type { Paid } from "./check-money.ts";
import type { Size } from "./plan.ts";
import { ofAnyCall, textOf, wordsOf, type Question } from "./question.ts";
import { Random } from "./random.ts";
import type { StoredMessage } from "./thread-run.ts";
import type { World } from "./world.ts";

type Planned = { thread: string; question: Question; messageId: string | null };

/** A bell that was lost is rung again by the minute's sweep. */
const PATIENCE_MS = 90_000;

/** A document's beginning and its end. */
const ENDS = ["first", "last"];

/** What goes on beside the conversations: answers that are asked for later, documents that are read. */
export class SideWork {
  readonly #world: World;
  readonly #random: Random;
  readonly #count: number;
  readonly #withinMs: number;
  readonly #planned: Planned[] = [];
  readonly #documents: { name: string; word: string }[] = [];
  #store = "";

  /** `count`: how many of each kind, all of them within this time. */
  constructor(world: World, seed: string, { count, withinMs }: Size["sideWork"]) {
    this.#world = world;
    this.#random = new Random(`${seed}/side-work`);
    this.#count = count;
    this.#withinMs = withinMs;
  }

  get counts(): Record<string, number> {
    return { planned: this.#planned.length, documents: this.#documents.length };
  }

  async run(): Promise<void> {
    const store = { name: "Chaos" };
    this.#store = (await this.#world.call<{ id: string }>("POST", "/vector_stores", store, once("store"))).json.id;
    const works = Array.from({ length: this.#count }, async (_, index) => {
      const startMs = this.#random.between(0, this.#withinMs);
      const inMs = this.#random.between(500, this.#withinMs - startMs + 500);
      await wait(startMs);
      await this.#plan(`p${index + 1}`, inMs);
      await this.#upload(index);
    });
    await Promise.all(works);
  }

  /** Once nothing else is going on. */
  async check(): Promise<void> {
    await this.#checkDocuments();
    for (const one of this.#planned) await this.#untilOver(one);
    for (const one of this.#planned) await this.#checkPlanned(one);
  }

  async #plan(thread: string, inMs: number): Promise<void> {
    const question = questionOf(thread);
    const body = {
      messages: [{ role: "user", content: textOf(question) }],
      scheduledAt: new Date(Date.now() + inMs).toISOString(),
    };
    const path = `/chats/${this.#world.plannedChat}/threads/${thread}/stream`;
    const response = await this.#world.persist("POST", path, body, once(thread));
    await response.text().catch(() => "");
    this.#planned.push({ thread, question, messageId: response.headers.get("x-message-id") });
  }

  /** The answers that were planned. */
  get paid(): Paid[] {
    return this.#planned.flatMap(({ thread, question: { code }, messageId }) =>
      messageId ? [{ messageId, code, thread, isWhole: false }] : [],
    );
  }

  async #untilOver(planned: Planned): Promise<void> {
    const isOver = (messages: StoredMessage[]) =>
      messages.some(({ role, status }) => role === "assistant" && status !== "pending" && status !== "streaming");
    const until = Date.now() + PATIENCE_MS;
    while (!isOver(await this.#messagesOf(planned)) && Date.now() < until) await wait(300);
  }

  async #messagesOf({ thread }: Planned): Promise<StoredMessage[]> {
    const path = `/chats/${this.#world.plannedChat}/threads/${thread}/messages`;
    const { status, json } = await this.#world.call<StoredMessage[]>("GET", path);
    return status === 200 ? json : [];
  }

  /** Once, under the id that was promised, and whole unless it was being written when the server died. */
  async #checkPlanned(planned: Planned): Promise<void> {
    const { thread, question, messageId } = planned;
    const messages = await this.#messagesOf(planned);
    const [asked, ...answers] = messages;
    const whole = wordsOf(question.code, question.words);
    const [answer] = answers;
    const said = ofAnyCall(answer?.content ?? "");
    const isRight =
      asked?.content === textOf(question) &&
      answers.length === 1 &&
      answer!.id === messageId &&
      (said === whole || (answer!.status === "interrupted" && whole.startsWith(said)));
    if (!isRight)
      this.#world.violated("what was planned happens once", thread, `${messageId} ${JSON.stringify(messages)}`);
  }

  async #upload(index: number): Promise<void> {
    const [name, word] = [`document${index}.md`, `unheard${index}of`];
    const parts = ENDS.map((end) => `# ${word}${end}\n\n${`${word}${end} is a word that nobody says. `.repeat(100)}`);
    const content = parts.join("\n\n");
    await this.#world.call("POST", `/vector_stores/${this.#store}/files`, { filename: name, content }, once(name));
    this.#documents.push({ name, word });
  }

  /** Each is there once, comes to an end, and is found by its first words and by its last. */
  async #checkDocuments(): Promise<void> {
    type Listed = { data: { filename: string; status: string }[] };
    const path = `/vector_stores/${this.#store}/files?limit=100`;
    const read = async () => (await this.#world.call<Listed>("GET", path)).json.data;
    let files = await read();
    const isOver = () => files.every(({ status }) => status === "processed" || status === "error");
    for (const until = Date.now() + 2 * PATIENCE_MS; !isOver() && Date.now() < until; files = await read())
      await wait(500);
    const say = (seen: string) => this.#world.violated("each document is read once", this.#store, seen);
    if (!isOver()) say(JSON.stringify(files.filter(({ status }) => status === "pending")));
    for (const { name, word } of this.#documents) {
      if (files.filter(({ filename }) => filename === name).length !== 1) say(`${name} of ${JSON.stringify(files)}`);
      for (const end of ENDS) {
        const query = { query: word + end, max_num_results: 1 };
        const { json } = await this.#world.call<Listed>("POST", `/vector_stores/${this.#store}/search`, query);
        if (json.data?.[0]?.filename !== name) say(`${word}${end} finds ${JSON.stringify(json).slice(0, 300)}`);
      }
    }
  }
}

const once = (key: string) => ({ "idempotency-key": `side-${key}` });

const questionOf = (thread: string): Question => ({
  code: `${thread}q1`,
  fault: "none",
  words: 12,
  said: 12,
  paceMs: 15,
  identity: "key",
  twins: 1,
  format: "worken",
  leaves: [],
  awayMs: 0,
});
