import { setTimeout as wait } from "node:timers/promises";
import type { Step, ThreadPlan } from "./plan.ts";
import type { Question } from "./question.ts";
import { Reading } from "./reading.ts";
import type { World } from "./world.ts";

export type StoredMessage = {
  id: string;
  role: "user" | "assistant" | "tool";
  content: string;
  status: string;
  created_at: string;
  metadata?: { author: string };
};

/** A question as it went. `interfered`: an operator or a person may have ended its answer. */
export type Asked = { question: Question; readings: Reading[]; step: number; interfered: boolean };
export type Sent = { id: string; text: string };

const SETTLE_MS = 60_000;

type TakeOver = Step & { kind: "take-over" };
type Approve = Step & { kind: "approve" };

export const isBots = ({ role, metadata }: StoredMessage) => role === "assistant" && !metadata;

/** Plays one thread's plan and keeps what it was told meanwhile. */
export class ThreadRun {
  readonly plan: ThreadPlan;
  readonly id: string;
  readonly path: string;
  readonly asked: Asked[] = [];
  readonly sent: Sent[] = [];
  takeOvers = 0;
  stops = 0;
  approvals = 0;
  readonly #world: World;
  #step = 0;

  constructor(world: World, plan: ThreadPlan) {
    this.#world = world;
    this.plan = plan;
    this.id = plan.name;
    const needsTool = plan.steps.some(({ kind }) => kind === "approve");
    this.path = `/chats/${needsTool ? world.chats.tool : world.chats.plain}/threads/${this.id}`;
  }

  async run(): Promise<void> {
    for (const step of this.plan.steps) {
      this.#step += 1;
      await this.#play(step);
    }
    this.#step += 1;
    if (this.plan.abandoned) await this.ask(this.plan.abandoned, { forGood: true });
  }

  async ask(question: Question, { interfered = false, forGood = false } = {}): Promise<Asked> {
    const readings = Array.from(
      { length: question.twins },
      () => new Reading(this.#world, this.id, this.path, question),
    );
    const asked = { question, readings, step: this.#step, interfered };
    this.asked.push(asked);
    await Promise.all(readings.map((reading) => reading.run(forGood)));
    return asked;
  }

  async messages(): Promise<StoredMessage[]> {
    for (;;) {
      const { status, json } = await this.#world.call<StoredMessage[]>("GET", `${this.path}/messages`);
      if (status === 200) return json;
      if (status !== 404) throw new Error(`${this.path}/messages answered ${status}`);
      // Lists follow within moments.
      await wait(100);
    }
  }

  /** Until nothing is written any more, as far as one has patience. */
  async untilAtRest(): Promise<void> {
    const isOpen = ({ status }: StoredMessage) => status === "pending" || status === "streaming";
    for (const until = Date.now() + SETTLE_MS; (await this.messages()).some(isOpen) && Date.now() < until;)
      await wait(200);
  }

  async setMode(mode: string): Promise<void> {
    const headers = { "idempotency-key": crypto.randomUUID() };
    for (;;) {
      const { status } = await this.#world.call("POST", `${this.path}/mode`, { mode }, headers);
      if (status === 200) return;
      if (status !== 404) throw new Error(`${this.path}/mode answered ${status}`);
      await wait(100);
    }
  }

  #play(step: Step): Promise<unknown> {
    switch (step.kind) {
      case "ask":
        return Promise.all(step.questions.map((question) => this.ask(question)));
      case "take-over":
        return this.#takeOver(step);
      case "stop":
        return this.#stop(step);
      case "approve":
        return this.#approve(step);
    }
  }

  async #takeOver(step: TakeOver): Promise<void> {
    const answer = this.ask(step.question, { interfered: true });
    // It is waited for below; until then its failure is nobody's.
    answer.catch(() => undefined);
    await wait(step.afterMs);
    for (let bounce = 0; bounce < step.bounces; bounce++) {
      await this.setMode("manual");
      await this.setMode("auto");
    }
    const operators = Array.from({ length: step.operators }, (_, index) => this.#operate(step, index + 1));
    await Promise.all([...operators, ...step.meanwhile.map((question) => this.ask(question, { interfered: true }))]);
    this.takeOvers += 1;
    await this.setMode("auto");
    await answer;
  }

  /** From the moment at which an operator is told that he has taken over, no bot adds anything. */
  async #operate(step: TakeOver, operator: number): Promise<void> {
    await this.setMode("manual");
    const before = (await this.messages()).filter(isBots);
    for (let index = 0; index < step.sends; index++) await this.#send(`o${operator}n${index} of ${step.question.code}`);
    await wait(step.holdMs);
    const after = (await this.messages()).filter(isBots);
    const [was, is] = [before, after].map((messages) => JSON.stringify(messages));
    if (was !== is) this.#violated("no bot speaks after an acknowledged takeover", `${was} became ${is}`);
  }

  async #send(text: string): Promise<void> {
    const headers = { "idempotency-key": text.replaceAll(" ", "-") };
    const path = `/threads/${this.id}/send`;
    const attempts = [1, 2].map(() => this.#world.call<{ id: string }>("POST", path, { text }, headers));
    const [first, second] = await Promise.all(attempts);
    if (first!.status !== 200) return this.#violated("an operator can send", `${first!.status}`);
    if (first!.json.id !== second!.json.id) this.#violated("twins are answered alike", text);
    this.sent.push({ id: first!.json.id, text });
    return undefined;
  }

  async #stop(step: Step & { kind: "stop" }): Promise<void> {
    const answer = this.ask(step.question, { interfered: true });
    // It is waited for below; until then its failure is nobody's.
    answer.catch(() => undefined);
    await wait(step.afterMs);
    await this.#world.call("POST", `${this.path}/stop`, {}, { "idempotency-key": crypto.randomUUID() });
    this.stops += 1;
    await answer;
  }

  async #approve({ question, decisions }: Approve): Promise<void> {
    const { readings } = await this.ask(question, { interfered: true });
    const path = `/threads/${this.id}/approvals`;
    const { json } = await this.#world.call<{ data: { id: string; status: string }[] }>("GET", path);
    const pending = json.data?.find(({ status }) => status === "pending");
    if (!pending) return;
    const from = Date.now();
    const decide = (approved: boolean) => this.#world.call("POST", `${path}/${pending.id}`, { approved });
    const statuses = (await Promise.all(decisions.map(decide))).map(({ status }) => status);
    const taken = statuses.filter((status) => status === 200).length;
    if (taken !== 1 && !this.#world.wasDisturbed(from, Date.now())) {
      this.#violated("a tool call is decided once", statuses.join());
    }
    this.approvals += 1;
    await Promise.all(readings.filter(({ ending }) => ending === "finish").map((reading) => reading.readOn()));
    // Where a crash came between, the answer goes on, and hands over, only now.
    await this.untilAtRest();
    await this.setMode("auto");
  }

  #violated(promise: string, seen: string): void {
    this.#world.violated(promise, this.id, seen);
  }
}
