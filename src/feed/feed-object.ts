import { DurableObject } from "cloudflare:workers";
import type { Ctx } from "../core/context.ts";
import type { LiveEvent } from "../core/live-events.ts";
import { readBalance } from "../core/billing/balance.ts";
import type { LiveBatch, Reservation, Settlement } from "../core/ports.ts";
import { EventLog, numbered, type LoggedEvent } from "../lib/event-log.ts";
import { sleep } from "../lib/time.ts";
import { Listeners } from "../lib/listeners.ts";
import { openContext } from "../runtime/context.ts";
import type { Env } from "../runtime/env.ts";
import type { FeedRpc } from "../runtime/feed-port.ts";
import { attempt, type Rpc } from "../runtime/rpc.ts";
import { RequestWindow } from "./request-window.ts";
import { SourceLog } from "./source-log.ts";
import { TicketBook } from "./ticket-book.ts";
import { Wallet } from "./wallet.ts";

const EVENTS_KEPT = 1000;

/** One project: what happens in all its threads, for those who watch, and what is counted for all of it. */
export class FeedObject extends DurableObject<Env> implements FeedRpc {
  readonly #log: EventLog<LiveEvent>;
  readonly #listeners: Listeners;
  readonly #sources: SourceLog;
  readonly #tickets: TicketBook;
  readonly #requests = new RequestWindow();
  readonly #sql: SqlStorage;
  #hasTables: boolean;
  readonly #wallet: Wallet;
  #projectId = "";
  #moment: Promise<void> | null = null;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#log = new EventLog(state.storage.sql, EVENTS_KEPT);
    this.#listeners = new Listeners(state);
    this.#sources = new SourceLog(state.storage.sql, this.#log);
    this.#tickets = new TicketBook(state.storage.sql);
    this.#sql = state.storage.sql;
    this.#wallet = new Wallet({
      sql: state.storage.sql,
      read: (charges, limits) => readBalance(this.#context(), charges, limits),
      defer: (work) => state.waitUntil(work),
      now: Date.now,
    });
    this.#hasTables = this.#sql.exec("select 1 from sqlite_master where name = 'sources'").toArray().length > 0;
  }

  /** Made with the first write: whoever only asks, perhaps for a project that there is not, leaves no trace. */
  #createTables(): void {
    if (this.#hasTables) return;
    this.#log.createTable();
    this.#tickets.createTable();
    this.#sources.createTable();
    this.#hasTables = true;
  }

  #context(): Ctx {
    const defer = (work: Promise<unknown>) => this.ctx.waitUntil(work);
    return openContext(this.env, { id: this.#projectId }, { actor: { type: "system", job: "feed" }, defer });
  }

  /** Events after an id as a socket's first message, the rest as it happens. */
  override async fetch(request: Request): Promise<Response> {
    const after = new URL(request.url).searchParams.get("after");
    this.#createTables();
    return this.#listeners.accept(JSON.stringify(this.#log.backlog(after)));
  }

  /** Appends what happened, unless it is known; answers it with its ids. */
  #take({ source, seq, events }: LiveBatch): LoggedEvent<LiveEvent>[] {
    const row = this.#sources.append(source, seq, events);
    return row === null ? [] : numbered(row, events);
  }

  /** A transaction costs more than what is written in it: all that comes in the same moment shares one, at its end. */
  #momentEnd(): Promise<void> {
    this.#moment ??= sleep(0).then(() => void (this.#moment = null));
    return this.#moment;
  }

  publish(batches: LiveBatch[], settled: Settlement[] = []): Promise<Rpc<null>> {
    return attempt(async () => {
      await this.#momentEnd();
      this.#createTables();
      this.#wallet.settle(settled);
      const fresh = batches.flatMap((batch) => this.#take(batch));
      if (fresh.length > 0) this.#listeners.publish(JSON.stringify(fresh));
      return null;
    });
  }

  issueTicket(projectId: string, threadId: string | null): Promise<Rpc<{ ticket: string; expiresAt: number }>> {
    return attempt(() => {
      this.#createTables();
      return this.#tickets.issue(projectId, threadId, Date.now());
    });
  }

  redeemTicket(ticket: string, threadId: string | null, returning: boolean): Promise<Rpc<boolean>> {
    return attempt(() => this.#hasTables && this.#tickets.redeem(ticket, threadId, returning, Date.now()));
  }

  reserve(projectId: string, reservation: Reservation): Promise<Rpc<number>> {
    this.#projectId = projectId;
    return attempt(async () => {
      await this.#momentEnd();
      return this.#wallet.reserve(reservation);
    });
  }

  forgetBalance(): Promise<Rpc<null>> {
    return attempt(() => {
      this.#wallet.forgetBalance();
      return null;
    });
  }

  admit(requestsPerMinute: number): Promise<Rpc<number>> {
    return attempt(() => this.#requests.admit(requestsPerMinute, Date.now()));
  }
}
