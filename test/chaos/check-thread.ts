import { expectedAnswer, ofAnyCall, textOf, wordsOf } from "./question.ts";
import type { Reading } from "./reading.ts";
import { isBots, type Asked, type StoredMessage, type ThreadRun } from "./thread-run.ts";
import type { World } from "./world.ts";

const FINAL = ["complete", "interrupted", "failed", "stopped"];
/** An answer is stored each second while it is made; the rest is for a slow machine. */
const LOSS_MS = 2500;

/** Holds what is stored of one thread against what its people were told. */
export class ThreadCheck {
  readonly #world: World;
  readonly #run: ThreadRun;
  readonly #messages: StoredMessage[];

  constructor(world: World, run: ThreadRun, messages: StoredMessage[]) {
    this.#world = world;
    this.#run = run;
    this.#messages = messages;
  }

  check(): void {
    this.#questions();
    this.#order();
    this.#operators();
    this.#answers();
    for (const asked of this.#run.asked) for (const reading of asked.readings) this.#reading(asked, reading);
    for (const asked of this.#run.asked) this.#calls(asked);
  }

  /** A twin that comes when its answer was ended before a word was said finds none. */
  #questions(): void {
    const known = new Map(this.#run.asked.map((asked) => [textOf(asked.question), asked]));
    for (const [text, { readings, interfered }] of known) {
      const stored = this.#messages.filter(({ role, content }) => role === "user" && content === text).length;
      const accepted = readings.some((reading) => reading.accepted);
      if (stored !== 1 && (accepted || stored > 1))
        this.#say("every accepted message is stored once", `${text}: ${stored}`);
      const ids = new Set(readings.filter((reading) => reading.isPromised).map(({ messageId }) => messageId));
      if (interfered) ids.delete(null);
      if (ids.size > 1) this.#say("twins are answered alike", `${text}: ${[...ids].join(" ")}`);
    }
    const strange = this.#messages.filter(({ role, content }) => role === "user" && !known.has(content));
    if (strange.length > 0) this.#say("nothing is stored that nobody said", JSON.stringify(strange));
  }

  /** A question that was accepted before another was asked comes before it; times grow. */
  #order(): void {
    const places = this.#run.asked
      .filter(({ readings }) => readings.some(({ accepted }) => accepted))
      .map(({ question, step }) => ({
        step,
        at: this.#messages.findIndex(({ content }) => content === textOf(question)),
      }));
    const inOrder = places
      .toSorted((a, b) => a.at - b.at)
      .every(({ step }, index, all) => step >= (all[index - 1]?.step ?? 0));
    if (!inOrder) this.#say("messages keep their order", JSON.stringify(places));
    const times = this.#messages.filter(({ role }) => role !== "tool").map(({ created_at }) => Date.parse(created_at));
    if (times.some((time, index) => index > 0 && time < times[index - 1]!)) this.#say("times grow", times.join());
  }

  #operators(): void {
    const stored = this.#messages.filter(({ metadata }) => metadata?.author === "operator");
    for (const { id, text } of this.#run.sent) {
      const same = stored.filter(({ content }) => content === text);
      if (same.length !== 1 || same[0]!.id !== id)
        this.#say("every operator's message is stored once", `${text}: ${same.length}`);
    }
    if (stored.length !== this.#run.sent.length)
      this.#say("nothing is stored that nobody said", JSON.stringify(stored));
  }

  /** Whatever an answer says is the beginning of what the model said to one question, and no question is answered twice. */
  #answers(): void {
    const answered = new Map<string, number>();
    for (const message of this.#messages.filter(isBots)) {
      if (!FINAL.includes(message.status)) this.#say("every answer comes to an end", JSON.stringify(message));
      const code = /^(\w+?)w0/.exec(message.content)?.[1];
      if (!code) {
        if (message.content) this.#say("an answer is what the model said", JSON.stringify(message));
        continue;
      }
      const { question } = this.#run.asked.find((asked) => asked.question.code === code) ?? {};
      if (!question || !wordsOf(code, question.words).startsWith(ofAnyCall(message.content))) {
        this.#say("an answer is what the model said", JSON.stringify(message));
      }
      answered.set(code, (answered.get(code) ?? 0) + 1);
    }
    const twice = [...answered].filter(([, times]) => times > 1);
    if (twice.length > 0) this.#say("no question is answered twice", JSON.stringify(twice));
  }

  #reading(asked: Asked, reading: Reading): void {
    const { question, interfered } = asked;
    const { messageId, ending, text } = reading;
    if (!messageId || ending === "gone") return this.#lost(asked, reading);
    const stored = this.#messages.find(({ id }) => id === messageId);
    const [read, is, how] = [JSON.stringify(text), JSON.stringify(stored ?? null), JSON.stringify(reading.trail)];
    const seen = `${question.code} ${question.format} ${question.identity} (${ending}): ${how}\n    read   ${read}\n    stored ${is}`;
    const disturbed = this.#world.wasDisturbed(reading.from, reading.to);
    if (disturbed) return this.#afterCrash(reading, stored, seen);
    if (ending === "left") return undefined;
    if (text !== (stored?.content ?? "")) this.#say("a reader has what is stored, byte by byte", seen);
    if (!endsAlike(reading, stored?.status)) this.#say("a reader and the thread agree on how an answer ended", seen);
    if (!interfered) this.#expected(asked, stored, seen);
    return undefined;
  }

  #expected({ question }: Asked, stored: StoredMessage | undefined, seen: string): void {
    const { status, content } = expectedAnswer(question);
    const said = ofAnyCall(stored?.content ?? "-");
    const whole = stored?.status === status && said === content;
    // How much of it arrives before a connection breaks is not ours to say.
    const cut = question.fault === "cut-after" && content.startsWith(said);
    if (!whole && !cut) this.#say("an answer ends as the model ended", seen);
  }

  /** What was read a while before the crash is still there; who came back was told how it ended. */
  #afterCrash(reading: Reading, stored: StoredMessage | undefined, seen: string): void {
    const content = stored?.content ?? "";
    if (!content.startsWith(reading.text) && !reading.text.startsWith(content)) {
      this.#say("a crash changes nothing that was said", seen);
    }
    if (reading.ending !== "left" && !endsAlike(reading, stored?.status)) {
      this.#say("after a crash a reader ends with the stored status", seen);
    }
    for (const { from } of this.#world.disruptions.filter(
      (one) => one.from >= reading.from && one.from <= reading.to,
    )) {
      const safe = reading.progress.findLast(({ at }) => at < from - LOSS_MS)?.characters ?? 0;
      if (content.length < safe) this.#say("a crash costs an answer its last second at most", seen);
    }
  }

  /** Without an answer to read: nothing was promised, or the answer was ended before it began. */
  #lost({ question, interfered }: Asked, reading: Reading): void {
    if (!reading.accepted || interfered || this.#world.wasDisturbed(reading.from, reading.to)) return;
    if (reading.ending === "error") return;
    if (question.identity === "nothing" && reading.returns > 0) return;
    this.#say("every accepted message is answered", `${question.code} (${reading.ending})`);
  }

  /** Three calls at most, and after the first word only one. */
  #calls({ question, readings }: Asked): void {
    const calls = this.#world.upstream.calls.get(question.code) ?? 0;
    const last = Math.max(...readings.map(({ to }) => (to === Infinity ? Date.now() : to)));
    if (this.#world.wasDisturbed(readings[0]!.from, last)) return;
    const most = question.fault.endsWith("-after") && question.fault !== "cut-after" ? 1 : 3;
    if (calls > most) this.#say("a model is not asked more often than promised", `${question.code}: ${calls}`);
  }

  #say(promise: string, seen: string): void {
    this.#world.violated(promise, this.#run.id, seen);
  }
}

function endsAlike({ ending }: Reading, status: string | undefined): boolean {
  if (ending === "finish") return status === "complete" || status === "stopped" || status === undefined;
  return status === "interrupted" || status === "failed" || status === undefined;
}
