import { abortAllDurableObjects, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { assert } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import type { Chat, Thread } from "../helpers/project.ts";
import { FakeModel, HeldAnswer } from "../helpers/upstream.ts";
import type { ModelMessage, Part, ThreadModel } from "./thread-model.ts";

/** A model that waits too long for its cue is silent, and that is another story. */
const PATIENCE_MS = 1000;

/** A bot that says what it is told to, when it is told to; its calls by the question that they are to answer. */
export class ObedientModel {
  readonly calls = new Map<string, HeldAnswer[]>();
  readonly model = new FakeModel((request, signal) => {
    const question = request.messages.findLast(({ role }) => role === "user")!.content;
    const held = new HeldAnswer();
    this.calls.set(question, [...(this.calls.get(question) ?? []), held]);
    return held.answer(request, signal);
  });
}

/** A thread behind its HTTP API, in a real object. */
export class ServedThread {
  readonly thread: Thread;
  readonly #obedient: ObedientModel;
  #questions = 0;
  /** The running answer's question, how often its model was called, and since when it waits for a word. */
  #running: { question: string; calls: number; since: number } | null = null;

  /** Whether a word was shown that a crash would have cost. */
  #shownTooEarly = false;

  constructor(chat: Chat, obedient: ObedientModel) {
    this.thread = chat.thread();
    this.#obedient = obedient;
  }

  newQuestion = () => `${this.thread.id} ${++this.#questions}`;

  /** Nobody reads the answer. */
  post(question: string, key: string | null): void {
    const reading = this.thread.stream(question, key === null ? {} : { "idempotency-key": key });
    reading.then((response) => response.body?.cancel()).catch(() => undefined);
  }

  async crash(): Promise<void> {
    await abortAllDurableObjects();
    await runDurableObjectAlarm(env.THREADS.getByName(`${this.thread.chat.project.id}/${this.thread.id}`));
    if (this.#running) this.#running.calls += 1;
  }

  get held(): HeldAnswer {
    this.#running!.since = Date.now();
    return this.#obedient.calls.get(this.#running!.question)!.at(-1)!;
  }

  /** Waits until the thread is as the model says, and its running answer waits for a word. */
  async settle(model: ThreadModel): Promise<void> {
    await eventually(async () => assert.deepEqual(await this.#view(), viewOf(model)));
    assert.isFalse(this.#shownTooEarly, "nothing is shown before it is stored");
    const question = questionOf(model);
    if (question === null) this.#running = null;
    else if (this.#running?.question !== question) this.#running = { question, calls: 1, since: Date.now() };
    fc.pre(!this.#running || Date.now() - this.#running.since < PATIENCE_MS);
    if (!this.#running) return;
    const { calls } = this.#running;
    await eventually(() => assert.equal(this.#obedient.calls.get(question!)?.length, calls));
  }

  async #view(): Promise<object> {
    const { status, json } = await this.thread.get();
    if (status === 404) return NOTHING;
    const messages = (await this.thread.messages()).map(({ role, metadata, status: is, content }) => {
      this.#shownTooEarly ||= is === "pending" && content !== "";
      const author = role === "user" ? "person" : (metadata?.author ?? "bot");
      return `${author} ${is} ${content}`;
    });
    const { user_messages: user, bot_messages: bot } = json.stats;
    return { mode: json.mode, pending: json.pending_count, user, bot, messages };
  }
}

const textOf = ({ parts }: ModelMessage) => parts.map((part) => (part.type === "text" ? part.text : "")).join("");
const lineOf = (message: ModelMessage) => `${message.author} ${message.status} ${textOf(message)}`;
const viewOf = (model: ThreadModel) => ({
  mode: model.mode,
  pending: model.pendingCount,
  ...model.counts,
  messages: model.messages.map(lineOf),
});
const NOTHING = { mode: "auto", pending: 0, user: 0, bot: 0, messages: [] };

/** The last that a person said before the running answer. */
function questionOf({ running, messages }: ThreadModel): string | null {
  const before = running && messages.slice(0, messages.indexOf(running));
  const question = before?.findLast(({ author }) => author === "person");
  return question ? textOf(question) : null;
}

const exists = (model: ThreadModel) => model.messages.length > 0;
const isSpeaking = (model: ThreadModel) => model.running?.status === "streaming";
const more = (model: ThreadModel, word: string): Part[] => [{ type: "text", text: textOf(model.running!) + word }];

type ServedCommand = fc.AsyncCommand<ThreadModel, ServedThread>;

function command(
  text: string,
  check: (model: ThreadModel) => boolean,
  run: (model: ThreadModel, real: ServedThread) => Promise<unknown>,
): ServedCommand {
  return {
    check: (model) => check(model as ThreadModel),
    async run(model, real) {
      await run(model, real);
      await real.settle(model);
    },
    toString: () => text,
  };
}

const key = fc.option(fc.constantFrom("k1", "k2"), { freq: 1 });
const once = (name: string | null): Record<string, string> => (name === null ? {} : { "idempotency-key": name });

const post = key.map((name) =>
  command(
    `post(${name})`,
    () => true,
    async (model, real) => {
      const question = name === null ? real.newQuestion() : `${real.thread.id} ${name}`;
      model.post([{ id: undefined, text: question }], name);
      real.post(question, name);
    },
  ),
);

const say = fc.constantFrom("a ", "b ").map((word) =>
  command(
    `say(${word})`,
    (model) => model.running !== null,
    async (model, real) => {
      model.say(more(model, word));
      real.held.say(word);
    },
  ),
);

const finish = fc.constant(
  command("finish()", isSpeaking, async (model, real) => {
    real.held.end();
    model.commit({ status: "complete", parts: model.running!.parts, approvals: 0, mode: null });
  }),
);

const breakOff = fc.constant(
  command("break off()", isSpeaking, async (model, real) => {
    real.held.send("data: {broken\n\n");
    model.commit({ status: "interrupted", parts: model.running!.parts, approvals: 0, mode: null });
  }),
);

const setMode = fc.constantFrom("auto", "manual", "operator").map((mode) =>
  command(`mode(${mode})`, exists, async (model, real) => {
    await real.thread.setMode(mode);
    model.setMode(mode, model.running?.parts ?? null, null);
  }),
);

const send = key.map((name) =>
  command(`send(${name})`, exists, async (model, real) => {
    const path = `/threads/${real.thread.id}/send`;
    const { status } = await real.thread.chat.project.post(path, { text: "I am a human." }, once(name && `s${name}`));
    assert.equal(status, model.send("I am a human.", name && `s${name}`) ? 200 : 409);
  }),
);

const stop = fc.constant(
  command("stop()", exists, async (model, real) => {
    const { json } = await real.thread.chat.project.post(`${real.thread.path}/stop`);
    assert.equal(json.stopped, model.running !== null);
    model.stop(model.running?.parts ?? null);
  }),
);

/** Of what was said within the last second, as much as was stored is left. */
const crash = fc.constant(
  command("crash()", exists, async (model, real) => {
    const { running } = model;
    await real.crash();
    model.crash();
    if (running?.status !== "interrupted") return;
    const stored = (await real.thread.messages())[model.messages.indexOf(running)]!.content;
    assert.isTrue(stored !== "" && textOf(running).startsWith(stored), `stored: ${stored}`);
    running.parts = [{ type: "text", text: stored }];
  }),
);

export const objectCommands = fc.commands(
  [post, post, post, say, say, say, finish, finish, breakOff, setMode, send, stop, crash, crash],
  { maxCommands: 40, size: "max" },
);
