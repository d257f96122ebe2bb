import type { BalanceReading } from "../core/balance.ts";
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
type Hold = { amount: number; isCharge: boolean; at: number };

type WalletOptions = {
  sql: SqlStorage;
  /** The balance in D1 and which of these charges it has in it, both of one moment. */
  read: (charges: string[]) => Promise<BalanceReading>;
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
  #readAt = 0;
  #reading: { current: Promise<void>; next: Promise<void> | null } | null = null;
  #isOpen = false;

  constructor(options: WalletOptions) {
    this.#options = options;
  }

  /** Sets an amount aside, or what there is of it; a hold that is there already is replaced. */
  async reserve({ hold, amount }: Reservation): Promise<number> {
    this.#open();
    if (this.#free(hold) < amount) await this.#read();
    else if (this.#isOld()) this.#options.defer(this.#read());
    const free = this.#free(hold);
    if (free <= 0) throw this.#refusal();
    const kept = Math.min(amount, free);
    if (!this.#settled.has(hold)) this.#put(hold, { amount: kept, isCharge: false, at: this.#options.now() });
    return kept;
  }

  /** Releases holds; what they came to stays set aside until D1 is seen to have charged it. Repeatable. */
  settle(settlements: Settlement[]): void {
    if (settlements.length === 0) return;
    this.#open();
    const at = this.#options.now();
    for (const { hold, charges } of settlements) {
      this.#remove(hold);
      this.#rememberSettled(hold);
      for (const { id, cost } of charges) if (cost > 0) this.#put(id, { amount: cost, isCharge: true, at });
    }
  }

  /** The balance was changed by somebody else: what is known of it is not to be relied on. */
  forgetBalance(): void {
    this.#open();
    this.#balance = null;
    this.#options.sql.exec("delete from wallet");
  }

  #free(hold: string): number {
    if (this.#balance === null) return -Infinity;
    let free = this.#balance;
    for (const [id, { amount }] of this.#holds) if (id !== hold) free -= amount;
    return free;
  }

  #isOld(): boolean {
    if (this.#options.now() - this.#readAt > READING_MS) return true;
    return this.#holds.size > MOST_CHARGES && [...this.#holds.values()].filter((h) => h.isCharge).length > MOST_CHARGES;
  }

  #refusal(): DomainError {
    if (this.#balance === null) return new DomainError("unavailable", "the balance cannot be read at the moment");
    if (this.#balance <= 0) return new DomainError("payment_required", "the project has no credits left");
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
      const { balance, charged } = await this.#options.read(charges);
      for (const id of charged) this.#remove(id);
      this.#balance = balance;
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
      "insert or replace into holds (id, amount, is_charge, at) values (?, ?, ?, ?)",
      id,
      hold.amount,
      hold.isCharge ? 1 : 0,
      hold.at,
    );
  }

  #remove(id: string): void {
    if (this.#holds.delete(id)) this.#options.sql.exec("delete from holds where id = ?", id);
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
      create table if not exists holds (id text primary key, amount integer, is_charge integer, at integer);
      create table if not exists wallet (balance integer, read_at integer);
    `);
    type Row = { id: string; amount: number; is_charge: number; at: number };
    for (const { id, amount, is_charge, at } of sql.exec<Row>("select * from holds")) {
      this.#holds.set(id, { amount, isCharge: is_charge === 1, at });
    }
    const [known] = sql.exec<{ balance: number; read_at: number }>("select balance, read_at from wallet").toArray();
    [this.#balance, this.#readAt] = [known?.balance ?? null, known?.read_at ?? 0];
    this.#isOpen = true;
  }
}
