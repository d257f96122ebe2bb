import type { Fault, Question } from "./question.ts";
import { Random } from "./random.ts";

/** What happens in a thread, one step after the other. */
export type Step =
  | { kind: "ask"; questions: Question[] }
  /** An operator takes over while an answer is being written, and gives back later. */
  | {
      kind: "take-over";
      question: Question;
      afterMs: number;
      /** How often the mode goes there and back before it stays. */
      bounces: number;
      operators: number;
      sends: number;
      meanwhile: Question[];
      holdMs: number;
    }
  | { kind: "stop"; question: Question; afterMs: number }
  /** Operators decide at once, not all alike, about a tool that the answer wants to use. */
  | { kind: "approve"; question: Question; decisions: boolean[] };

export type ThreadPlan = {
  name: string;
  steps: Step[];
  /** Asked at the end by somebody who never comes back: nobody visits the thread until the server was up for long enough. */
  abandoned: Question | null;
};

export type Disruption = { kind: "kill" | "save"; waitMs: number; downMs: number };

/** How hard it is. */
export type Size = {
  threads: number;
  steps: number;
  takeOvers: number;
  slowFaults: number;
  /** Threads that are played at once. */
  atOnce: number;
  /** How often the server is killed or loaded anew, and how long it is left alone between. */
  disruptions: number;
  quietMs: [number, number];
  /** How much goes on beside the conversations, and within which time. */
  sideWork: { count: number; withinMs: number };
};

/** The whole of what happens, but for when exactly: that is up to the machine. */
export class Plan {
  readonly #seed: string;
  readonly #size: Size;

  constructor(seed: string, size: Size) {
    this.#seed = seed;
    this.#size = size;
  }

  get threads(): ThreadPlan[] {
    return Array.from({ length: this.#size.threads }, (_, index) => this.thread(`t${index + 1}`));
  }

  thread(name: string): ThreadPlan {
    return new ThreadPlanner(name, new Random(`${this.#seed}/${name}`), this.#size).plan();
  }

  /** One of each first, then as it comes. */
  *disruptions(): Generator<Disruption> {
    const random = new Random(`${this.#seed}/disruptions`);
    for (let count = 0; count < this.#size.disruptions; count++) {
      const lot = random.chance(0.6) ? "kill" : "save";
      const kind = (["kill", "save"] as const)[count] ?? lot;
      yield { kind, waitMs: random.between(...this.#size.quietMs), downMs: random.between(0, 1500) };
    }
  }
}

const QUICK: Fault[] = ["none", "none", "none", "none", "split", "no-done", "flaky", "busy"];
const BROKEN: Fault[] = [
  "error-before",
  "unauthorized",
  "very-busy",
  "html",
  "cut-before",
  "malformed-before",
  "empty",
  "error-after",
  "cut-after",
  "malformed-after",
  "stops-after",
];
const SLOW: Fault[] = ["hang-before", "hang-after"];

class ThreadPlanner {
  readonly #name: string;
  readonly #random: Random;
  readonly #size: Size;
  #questions = 0;

  constructor(name: string, random: Random, size: Size) {
    this.#name = name;
    this.#random = random;
    this.#size = size;
  }

  plan(): ThreadPlan {
    const first: Step = { kind: "ask", questions: [this.#question("none", { identity: "key" })] };
    const steps = Array.from({ length: this.#random.between(1, this.#size.steps) }, () => this.#step());
    const abandoned = this.#random.chance(0.15) ? this.#slowly({ leaves: [1], identity: "key", twins: 1 }) : null;
    return { name: this.#name, steps: [first, ...steps], abandoned };
  }

  #step(): Step {
    const random = this.#random;
    if (random.chance(this.#size.takeOvers)) return this.#takeOver();
    if (random.chance(0.12)) return { kind: "stop", question: this.#slowly(), afterMs: random.between(0, 600) };
    if (random.chance(0.12)) {
      const decisions = Array.from({ length: random.between(1, 2) }, () => random.chance(0.6));
      return { kind: "approve", question: this.#question("tool", { leaves: [] }), decisions };
    }
    const burst = random.chance(0.2) ? random.between(2, 4) : 1;
    return { kind: "ask", questions: Array.from({ length: burst }, () => this.#question(this.#fault())) };
  }

  #takeOver(): Step {
    const random = this.#random;
    return {
      kind: "take-over",
      question: this.#slowly(),
      afterMs: random.between(0, 900),
      bounces: random.chance(0.3) ? random.between(1, 3) : 0,
      operators: random.chance(0.5) ? 2 : 1,
      sends: random.between(0, 2),
      meanwhile: random.chance(0.4) ? [this.#question("none")] : [],
      holdMs: random.between(200, 1200),
    };
  }

  #fault(): Fault {
    const random = this.#random;
    if (random.chance(this.#size.slowFaults)) return random.pick(SLOW);
    return random.chance(0.4) ? random.pick(BROKEN) : random.pick(QUICK);
  }

  /** A question whose answer takes about a second, so that there is something to interfere with. */
  #slowly(more: Partial<Question> = {}): Question {
    return this.#question("none", {
      words: this.#random.between(20, 60),
      paceMs: this.#random.between(10, 30),
      ...more,
    });
  }

  #question(fault: Fault, more: Partial<Question> = {}): Question {
    const random = this.#random;
    const words = random.between(1, 40);
    const identity = random.pick(["key", "key", "message", "nothing"] as const);
    return {
      code: `${this.#name}q${++this.#questions}`,
      fault,
      words,
      said: random.between(1, words),
      paceMs: random.pick([0, 0, 5, 15]),
      identity,
      twins: identity !== "nothing" && random.chance(0.25) ? random.between(2, 3) : 1,
      format: identity === "message" || random.chance(0.3) ? "ui" : "worken",
      leaves: Array.from({ length: random.pick([0, 0, 1, 2, 3]) }, () => random.between(1, 12)),
      awayMs: random.pick([0, 0, 20, 200, 1500]),
      ...more,
    };
  }
}
