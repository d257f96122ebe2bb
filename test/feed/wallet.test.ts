import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { Wallet } from "../../src/feed/wallet.ts";

type Turn = { hold: string; kept: number; isAsking: boolean; hasEnded: boolean };
type Charge = { id: string; hold: string; cost: number; isTold: boolean; isFlushed: boolean };

const at = fc.nat(20);
const some = fc.integer({ min: 1, max: 60 });
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("begin" as const), amount: some }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("grow" as const), at, amount: some }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("end" as const), at, share: fc.constantFrom(0, 0.3, 1) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom("tell" as const, "flush" as const), at }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("topup" as const), amount: some }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("evict" as const, "repeat" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A wallet between the turns that spend and the database that charges. */
class World {
  balance: number;
  readonly turns: Turn[] = [];
  readonly charges: Charge[] = [];
  readonly #sql: SqlStorage;
  #wallet: Wallet;
  #time = 0;

  constructor(sql: SqlStorage, balance: number) {
    sql.exec("drop table if exists set_aside; drop table if exists wallet");
    this.#sql = sql;
    this.balance = balance;
    this.#wallet = this.#open();
  }

  get running(): Turn[] {
    return this.turns.filter(({ hasEnded }) => !hasEnded);
  }

  /** What is left if every running turn costs what it was given. */
  get left(): number {
    const owed = this.charges.reduce((sum, { isFlushed, cost }) => sum + (isFlushed ? 0 : cost), 0);
    return this.balance - owed - this.running.reduce((sum, { kept }) => sum + kept, 0);
  }

  async run(next: Step): Promise<void> {
    switch (next.do) {
      case "begin":
        return this.ask({ hold: `turn-${this.turns.length}`, kept: 0, isAsking: false, hasEnded: false }, next.amount);
      case "grow": {
        const turn = pick(this.running, next.at);
        return turn && !turn.isAsking ? this.ask(turn, turn.kept + next.amount) : undefined;
      }
      case "end":
        return this.#end(pick(this.running, next.at), next.share);
      case "tell":
        return this.#tell(
          pick(
            this.charges.filter(({ isTold }) => !isTold),
            next.at,
          ),
        );
      case "flush":
        return this.#flush(
          pick(
            this.charges.filter(({ isFlushed }) => !isFlushed),
            next.at,
          ),
        );
      case "topup":
        this.balance += next.amount;
        return;
      case "repeat":
        return this.charges.filter(({ isTold }) => isTold).forEach((charge) => this.#tell(charge));
      case "evict":
        // An object that is evicted has nothing running.
        if (!this.turns.some(({ isAsking }) => isAsking)) this.#wallet = this.#open();
    }
  }

  async ask(turn: Turn, amount: number): Promise<void> {
    if (!this.turns.includes(turn)) this.turns.push(turn);
    turn.isAsking = true;
    const kept = await this.#wallet.reserve({ hold: turn.hold, amount, limits: [] }).catch(() => 0);
    turn.isAsking = false;
    if (!turn.hasEnded) turn.kept = Math.max(turn.kept, kept);
  }

  async endAll(): Promise<void> {
    for (const turn of this.running) this.#end(turn, 0);
    for (const charge of this.charges) {
      if (!charge.isFlushed) this.#flush(charge);
      if (!charge.isTold) this.#tell(charge);
    }
  }

  /** A turn may be stopped while it still asks. */
  #end(turn: Turn | undefined, share: number): void {
    if (!turn) return;
    turn.hasEnded = true;
    const cost = Math.floor(turn.kept * share);
    const { hold } = turn;
    this.charges.push({ id: `call-${this.charges.length}`, hold, cost, isTold: false, isFlushed: false });
  }

  #tell(charge: Charge | undefined): void {
    if (!charge) return;
    charge.isTold = true;
    this.#wallet.settle([{ hold: charge.hold, charges: [charge] }]);
  }

  #flush(charge: Charge | undefined): void {
    if (!charge) return;
    charge.isFlushed = true;
    this.balance -= charge.cost;
  }

  #open(): Wallet {
    const now = () => ++this.#time;
    return new Wallet({ sql: this.#sql, read: this.#read, defer: () => undefined, now });
  }

  /** A reading takes a moment before and after, in which other things happen. */
  readonly #read = async (asked: string[]) => {
    await Promise.resolve();
    const isCharged = (id: string) => this.charges.some((charge) => charge.id === id && charge.isFlushed);
    const reading = { balance: this.balance, charged: asked.filter(isCharged), spent: new Map<string, number>() };
    await Promise.resolve();
    return reading;
  };
}

const pick = <T>(from: T[], index: number): T | undefined => from[index % from.length];

it("lets out what there is and never more, however turns, settlements, charges, evictions and readings interleave", () =>
  runInDurableObject(env.FEEDS.getByName(crypto.randomUUID()), async (_, { storage }) => {
    const rounds = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 15 });
    await fc.assert(
      fc.asyncProperty(fc.nat(100), rounds, async (balance, atOnce) => {
        const world = new World(storage.sql, balance);
        for (const steps of atOnce) {
          await Promise.all(steps.map((next) => world.run(next)));
          expect(world.left).toBeGreaterThanOrEqual(0);
        }
        await world.endAll();
        const last = { hold: "last", kept: 0, isAsking: false, hasEnded: false };
        await world.ask(last, world.balance + 1);
        expect(last.kept).toBe(world.balance);
      }),
      { numRuns: 300 },
    );
  }));
