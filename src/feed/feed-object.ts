import { DurableObject } from "cloudflare:workers";
import type { LiveEvent } from "../core/live-events.ts";
import type { LiveBatch } from "../core/ports.ts";
import { EventLog, numbered } from "../lib/event-log.ts";
import { Listeners } from "../lib/listeners.ts";
import type { Env } from "../runtime/env.ts";
import type { FeedRpc } from "../runtime/feed-port.ts";
import { attempt, type Rpc } from "../runtime/rpc.ts";
import { RequestWindow } from "./request-window.ts";
import { TicketBook } from "./ticket-book.ts";

const EVENTS_KEPT = 1000;

/** One project: what happens in all its threads, for those who watch, and what is counted for all of it. */
export class FeedObject extends DurableObject<Env> implements FeedRpc {
  readonly #log: EventLog<LiveEvent>;
  readonly #listeners: Listeners;
  readonly #tickets: TicketBook;
  readonly #requests = new RequestWindow();
  readonly #sql: SqlStorage;
  #hasTables: boolean;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#log = new EventLog(state.storage.sql, EVENTS_KEPT);
    this.#listeners = new Listeners(state);
    this.#tickets = new TicketBook(state.storage.sql);
    this.#sql = state.storage.sql;
    this.#hasTables = this.#sql.exec("select 1 from sqlite_master where name = 'tickets'").toArray().length > 0;
  }

  /** Made with the first write: whoever only asks, perhaps for a project that there is not, leaves no trace. */
  #createTables(): void {
    if (this.#hasTables) return;
    this.#log.createTable();
    this.#tickets.createTable();
    this.#hasTables = true;
  }

  /** Events after an id as a socket's first message, the rest as it happens. */
  override async fetch(request: Request): Promise<Response> {
    const after = new URL(request.url).searchParams.get("after");
    this.#createTables();
    return this.#listeners.accept(JSON.stringify(this.#log.backlog(after)));
  }

  publish(batches: LiveBatch[]): Promise<Rpc<null>> {
    return attempt(() => {
      this.#createTables();
      const fresh = batches.flatMap(({ key, events }) => {
        const seq = this.#log.append(events, key);
        if (seq === null) return [];
        this.#log.trim(seq);
        return numbered(seq, events);
      });
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

  admit(requestsPerMinute: number): Promise<Rpc<number>> {
    return attempt(() => this.#requests.admit(requestsPerMinute, Date.now()));
  }
}
