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

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#log = new EventLog(state.storage.sql, EVENTS_KEPT);
    this.#listeners = new Listeners(state);
    this.#tickets = new TicketBook(state.storage.sql);
    this.#log.createTable();
    this.#tickets.createTable();
  }

  /** Events after an id as a socket's first message, the rest as it happens. */
  override async fetch(request: Request): Promise<Response> {
    const after = new URL(request.url).searchParams.get("after");
    return this.#listeners.accept(JSON.stringify(this.#log.backlog(after)));
  }

  publish(batches: LiveBatch[]): Promise<Rpc<null>> {
    return attempt(() => {
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
    return attempt(() => this.#tickets.issue(projectId, threadId, Date.now()));
  }

  redeemTicket(ticket: string, threadId: string | null, returning: boolean): Promise<Rpc<boolean>> {
    return attempt(() => this.#tickets.redeem(ticket, threadId, returning, Date.now()));
  }

  admit(requestsPerMinute: number): Promise<Rpc<number>> {
    return attempt(() => this.#requests.admit(requestsPerMinute, Date.now()));
  }
}
