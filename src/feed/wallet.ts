import { limitKey, type BalanceReading } from "../core/billing/balance.ts";
import type { Limit } from "../core/billing/budgets.ts";
import { DomainError } from "../core/errors.ts";
import type { Reservation, Settlement } from "../core/ports.ts";

/** An answer that has not ended by then has lost its object; what it was to cost is free again. */
const HOLD_MS = 15 * 60_000;
/** By then every charge has reached D1, or never will. */
const CHARGE_MS = 24 * 60 * 60_000;
/** A reading is renewed in the background when it is this old, or this many charges have come since. */
const READING_MS = 60_000;
const MOST_CHARGES = 100;

/** Micro-credits that are spoken for: by a model call that may be running, or by a charge that D1 may not show yet. */
type Hold = { amount: number; isCharge: boolean; at: number; scopes: string[] };

type WalletOptions = {
  sql: SqlStorage;
  /** The balance in D1, which of these charges it has in it, and what was spent of these budgets, all of one moment. */
  read: (charges: string[], limits: Limit[]) => Promise<BalanceReading>;
  defer: (work: Promise<unknown>) => void;
  now: () => number;
};

/**
 * How much of a project's balance is free to be spent. The balance lies in D1; what is known of it here is the last reading,
 * less what was set aside or charged and was not in that reading: it may be too little, never too much. Nothing is refused
 * before the balance was read again.
 */
export class Wallet {
  readonly #options: WalletOptions;
  readonly #holds = new Map<string, Hold>();
  /** Holds that were settled lately: a reservation of theirs that is still on its way comes too late. */
  readonly #settled = new Set<string>();
  #balance: number | null = null;
  /** The budgets that were asked about, and what was spent of them at the last reading. */
  readonly #limits = new Map<string, Limit>();
  #spent: ReadonlyMap<string, number> = new Map();
  #readAt = 0;
  #reading: { current: Promise<void>; next: Promise<void> | null } | null = null;
  #isOpen = false;

  constructor(options: WalletOptions) {
    this.#options = options;
  }

  /** Sets an amount aside, or what there is of it; a hold that is there already is replaced. */
  async reserve({ hold, amount, limits }: Reservation): Promise<number> {
    this.#open();
    for (const limit of limits) this.#limits.set(limitKey(limit), limit);
    if (this.#free(hold, limits) < amount) await this.#read();
    else if (this.#isOld()) this.#options.defer(this.#read());
    const free = this.#free(hold, limits);
    if (free <= 0) throw this.#refusal(hold, limits);
    const kept = Math.min(amount, free);
    const scopes = limits.map(({ scope }) => scope);
    if (!this.#settled.has(hold)) this.#put(hold, { amount: kept, isCharge: false, at: this.#options.now(), scopes });
    return kept;
  }

  /** Releases holds; what they came to stays set aside until D1 is seen to have charged it. Repeatable. */
  settle(settlements: Settlement[]): void {
    if (settlements.length === 0) return;
    this.#open();
    const at = this.#options.now();
    for (const { hold, charges } of settlements) {
      const scopes = this.#holds.get(hold)?.scopes ?? [];
      this.#remove(hold);
      this.#rememberSettled(hold);
      for (const { id, cost } of charges) if (cost > 0) this.#put(id, { amount: cost, isCharge: true, at, scopes });
    }
  }

  /** The balance was changed by somebody else: what is known of it is not to be relied on. */
  forgetBalance(): void {
    this.#open();
    this.#balance = null;
    this.#options.sql.exec("delete from wallet");
  }

  /** What a hold may have, of the balance and of every budget. */
  #free(hold: string, limits: Limit[]): number {
    const left = limits.map((limit) => this.#left(hold, limit));
    return this.#balance === null ? -Infinity : Math.min(this.#balance - this.#held(hold, null), ...left);
  }

  #left(hold: string, limit: Limit): number {
    const spent = this.#spent.get(limitKey(limit));
    return spent === undefined ? -Infinity : limit.amount - spent - this.#held(hold, limit.scope);
  }

  /** What others hold, of one scope or of all. */
  #held(hold: string, scope: string | null): number {
    let held = 0;
    for (const [id, { amount, scopes }] of this.#holds) {
      if (id !== hold && (scope === null || scopes.includes(scope))) held += amount;
    }
    return held;
  }

  #isOld(): boolean {
    if (this.#options.now() - this.#readAt > READING_MS) return true;
    return this.#holds.size > MOST_CHARGES && [...this.#holds.values()].filter((h) => h.isCharge).length > MOST_CHARGES;
  }

  #refusal(hold: string, limits: Limit[]): DomainError {
    if (this.#balance === null || limits.some((limit) => !this.#spent.has(limitKey(limit))))
      return new DomainError("unavailable", "the balance cannot be read at the moment");
    if (this.#balance <= 0) return new DomainError("payment_required", "the project has no credits left");
    const exceeded = limits.find((limit) => this.#left(hold, limit) <= 0);
    if (exceeded) return new DomainError("payment_required", exceeded.message, { isPersonal: exceeded.isPersonal });
    return new DomainError("payment_required", "all credits that are left are set aside for answers being written");
  }

  /** A reading that began after this call. Those who come while one runs share the next. */
  #read(): Promise<void> {
    if (!this.#reading) {
      const current = this.#readOnce().finally(() => (this.#reading = null));
      this.#reading = { current, next: null };
      return current;
    }
    const { current } = this.#reading;
    this.#reading.next ??= current.then(() => this.#read());
    return this.#reading.next;
  }

  /** Where D1 does not answer, the last reading has to do. */
  async #readOnce(): Promise<void> {
    try {
      this.#forgetExpired();
      const charges = [...this.#holds].flatMap(([id, { isCharge }]) => (isCharge ? [id] : []));
      const limits = [...this.#limits.values()];
      this.#limits.clear();
      const { balance, charged, spent } = await this.#options.read(charges, limits);
      for (const id of charged) this.#remove(id);
      [this.#balance, this.#spent] = [balance, spent];
      this.#readAt = this.#options.now();
      this.#options.sql.exec(
        "insert or replace into wallet (rowid, balance, read_at) values (1, ?, ?)",
        balance,
        this.#readAt,
      );
    } catch (error) {
      console.error("balance", error);
    }
  }

  #forgetExpired(): void {
    const now = this.#options.now();
    for (const [id, { at, isCharge }] of this.#holds) if (now - at > (isCharge ? CHARGE_MS : HOLD_MS)) this.#remove(id);
  }

  #put(id: string, hold: Hold): void {
    this.#holds.set(id, hold);
    this.#options.sql.exec(
      "insert or replace into set_aside (id, amount, is_charge, at, scopes) values (?, ?, ?, ?, ?)",
      id,
      hold.amount,
      hold.isCharge ? 1 : 0,
      hold.at,
      hold.scopes.join(" "),
    );
  }

  #remove(id: string): void {
    if (this.#holds.delete(id)) this.#options.sql.exec("delete from set_aside where id = ?", id);
  }

  #rememberSettled(hold: string): void {
    if (this.#settled.size > 1000) this.#settled.clear();
    this.#settled.add(hold);
  }

  /** The tables are made when money is first asked for, and read once after that. */
  #open(): void {
    if (this.#isOpen) return;
    const { sql } = this.#options;
    sql.exec(`
      create table if not exists set_aside
        (id text primary key, amount integer, is_charge integer, at integer, scopes text) without rowid;
      create table if not exists wallet (balance integer, read_at integer);
    `);
    type Row = { id: string; amount: number; is_charge: number; at: number; scopes: string };
    for (const { id, amount, is_charge, at, scopes } of sql.exec<Row>("select * from set_aside")) {
      this.#holds.set(id, { amount, isCharge: is_charge === 1, at, scopes: scopes.split(" ") });
    }
    const [known] = sql.exec<{ balance: number; read_at: number }>("select balance, read_at from wallet").toArray();
    [this.#balance, this.#readAt] = [known?.balance ?? null, known?.read_at ?? 0];
    this.#isOpen = true;
  }
}
