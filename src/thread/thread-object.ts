import { DurableObject } from "cloudflare:workers";
import type { Approval, Decision } from "../core/approvals.ts";
import { DomainError, notFound } from "../core/errors.ts";
import type { Delivery, Message } from "../core/messages.ts";
import type { Page, OrderedPageRequest, PageRequest } from "../core/pages.ts";
import type { OnceKey, PostCommand } from "../core/ports.ts";
import { eraseProjection } from "../core/thread-projection.ts";
import type { Schedule, ScheduleChanges, SchedulePlan } from "../core/schedules/schedule-state.ts";
import type { Mode, ThreadState } from "../core/thread-state.ts";
import type { TurnEventType } from "../core/turn-events.ts";
import { readConfig } from "../runtime/config.ts";
import type { Env } from "../runtime/env.ts";
import { attempt, attemptResponse, type Rpc } from "../runtime/rpc.ts";
import type { DecideRequest, PostRequest, ThreadRpc } from "../runtime/thread-port.ts";
import { answerLater, answerOn, silence, streamResponse } from "./answer-response.ts";
import { readEventId, replay } from "./answer-stream.ts";
import { ScheduleRunner } from "./schedule-runner.ts";
import type { Posted, ThreadMachine } from "./thread-machine.ts";
import { stateOf, type ThreadRecord } from "./thread-record.ts";
import type { LoggedMessage } from "./message-log.ts";
import { ThreadStore } from "./thread-store.ts";
import { runningTurns } from "./turn-count.ts";
import { TurnRunner } from "./turn-runner.ts";

/** One thread: the only writer of its messages, the place where its bot thinks and its listeners connect. */
export class ThreadObject extends DurableObject<Env> implements ThreadRpc {
  readonly #store: ThreadStore;
  readonly #runner: TurnRunner;
  readonly #schedules: ScheduleRunner;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#store = new ThreadStore(state, env);
    this.#runner = new TurnRunner(this.#store, () => readConfig(env).UPSTREAM_IDLE_TIMEOUT_MS);
    this.#schedules = new ScheduleRunner(this.#store, this.#runner);
    if (this.#store.record?.openTurns.length) this.#runner.recover();
  }

  /** What answers with a stream or a socket comes this way, so that a client that leaves is noticed. */
  override async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const [after, types] = [searchParams.get("after"), searchParams.get("types")];
    return attemptResponse(async () => {
      switch (pathname) {
        case "/post":
          return this.#post(await request.json());
        case "/decide":
          return this.#decideAndStream(await request.json());
        case "/resume":
          return this.#resume(after, types?.split(",") as TurnEventType[] | undefined);
        default:
          return this.#listen(after);
      }
    });
  }

  get(): Promise<Rpc<ThreadState>> {
    return attempt(() => stateOf(this.#existing()));
  }

  listMessages(page: OrderedPageRequest): Promise<Rpc<Page<LoggedMessage>>> {
    return attempt(() => {
      this.#existing();
      const { items, next } = this.#store.machine.messages.page(page);
      return { items: items.map((message) => this.#runner.asSaid(message)), next };
    });
  }

  listApprovals(page: PageRequest): Promise<Rpc<Page<Approval>>> {
    return attempt(() => {
      this.#existing();
      return this.#store.machine.approvals.page(page);
    });
  }

  workingMemory(): Promise<Rpc<string | null>> {
    return attempt(() => this.#existing().workingMemory);
  }

  setMode(mode: Mode, once: OnceKey | null): Promise<Rpc<null>> {
    return attempt(async () => {
      this.#existing();
      const { closed } = this.#store.transact(() => this.#store.machine.setMode(mode, this.#runner.draft, once));
      this.#runner.close(closed);
      await this.#store.flushSoon();
      return null;
    });
  }

  send(text: string, once: OnceKey | null): Promise<Rpc<Message>> {
    return this.#change((machine) => machine.send(text, once));
  }

  receive({ projectId, threadId, command }: PostRequest): Promise<Rpc<null>> {
    return attempt(async () => {
      await this.#accept(projectId, threadId, command);
      await this.#store.flushSoon();
      return null;
    });
  }

  edit(messageId: string, text: string): Promise<Rpc<null>> {
    return this.#note((machine) => machine.edit(messageId, text));
  }

  setDelivery(messageId: string, delivery: Delivery): Promise<Rpc<null>> {
    return this.#note((machine) => machine.setDelivery(messageId, delivery));
  }

  schedule(plan: SchedulePlan, once: OnceKey | null): Promise<Rpc<Schedule>> {
    return this.#change((machine) => machine.schedule(plan, once));
  }

  changeSchedule(id: string, changes: ScheduleChanges): Promise<Rpc<Schedule>> {
    return this.#change((machine) => machine.changeSchedule(id, changes));
  }

  cancelSchedule(id: string): Promise<Rpc<Schedule>> {
    return this.#change((machine) => machine.cancelSchedule(id));
  }

  /** Who rings may come early, late, twice, or for what is cancelled: what is due is done, the rest is brought up to date. */
  fireSchedule(id: string): Promise<Rpc<boolean>> {
    return attempt(async () => {
      const known = this.#store.record && !this.#store.record.erased && this.#store.machine.timetable.log.find(id);
      if (!known) return false;
      await this.#schedules.fireDue();
      this.#store.watchDue();
      if (this.#store.isBehind) await this.#store.flushSoon();
      return true;
    });
  }

  #change<T>(change: (machine: ThreadMachine) => T): Promise<Rpc<T>> {
    return attempt(async () => {
      this.#existing();
      const { value } = this.#store.transact(() => change(this.#store.machine));
      await this.#store.flushSoon();
      return value;
    });
  }

  /** What a vendor tells of a thread that is not there any more is ignored. */
  #note(change: (machine: ThreadMachine) => void): Promise<Rpc<null>> {
    return attempt(async () => {
      if (!this.#store.record) return null;
      this.#store.transact(() => change(this.#store.machine));
      await this.#store.flushSoon();
      return null;
    });
  }

  stop(once: OnceKey | null): Promise<Rpc<boolean>> {
    return attempt(async () => {
      this.#existing();
      const { value, closed } = this.#store.transact(() => this.#store.machine.stop(this.#runner.draft, once));
      this.#runner.close(closed);
      await this.#store.flushSoon();
      return value;
    });
  }

  decide(decision: Decision): Promise<Rpc<Approval>> {
    return attempt(async () => {
      this.#existing();
      const { value } = this.#store.transact(() => this.#store.machine.decide(decision));
      this.#runner.advance();
      await this.#store.flush("feed");
      return value.approval;
    });
  }

  erase(): Promise<Rpc<null>> {
    return attempt(async () => {
      if (!this.#store.record) return null;
      const { closed } = this.#store.transact(() => this.#store.machine.erase(this.#runner.draft));
      this.#runner.close(closed);
      await this.#forget();
      return null;
    });
  }

  /** Everything that is unfinished is taken up again: an answer, what others must be told, a deletion. */
  override async alarm(): Promise<void> {
    this.#store.alarm.rung();
    const { record } = this.#store;
    if (!record) return;
    if (record.erased) return this.#forget().catch((error: unknown) => console.error("erase", error));
    if (record.openTurns.length > 0) {
      this.#store.watch();
      this.#runner.advance();
    }
    await this.#schedules.fireDue().catch((error: unknown) => console.error("schedules", error));
    if (this.#store.isBehind) await this.#store.flush("all");
    this.#store.watchDue();
  }

  async #post({ projectId, threadId, command }: PostRequest): Promise<Response> {
    const { posted, isNew } = await this.#accept(projectId, threadId, command);
    const stream = posted.kind === "unanswered" ? null : this.#runner.streamOf(posted.messageId);
    await this.#tell(posted, isNew);
    if (posted.kind === "scheduled") return answerLater(command.posting.types, posted);
    return answerOn(stream, command.posting.types);
  }

  /** A new conversation is listed before its first word is read; the rest follows with the answer, if there will be one. */
  async #tell(posted: Posted, isNew: boolean): Promise<void> {
    if (posted.kind === "unanswered" || posted.kind === "scheduled") return this.#store.flushSoon();
    if (isNew) return this.#store.flushSoon("lists");
    void this.#store.flush("feed");
  }

  /** Stores what a person wrote, and starts the answer if one is owed. */
  async #accept(
    projectId: string,
    threadId: string,
    command: PostCommand,
  ): Promise<{ posted: Posted; isNew: boolean }> {
    this.#store.identify(projectId);
    if (this.#store.record?.erased) await this.#forget();
    const isNew = this.#store.record === null;
    this.#requireRoom(projectId);
    if (isNew && command.regenerate) throw new DomainError("conflict", "there is nothing to answer yet");
    this.#store.createTables();
    const { value: posted } = this.#store.transact(() => this.#store.machine.post({ projectId, threadId }, command));
    if (posted.kind === "owed") this.#runner.owe(posted.messageId, command.posting.settings);
    return { posted, isNew };
  }

  /** Before anything is stored: what cannot be answered soon is not accepted. */
  #requireRoom(projectId: string): void {
    const most = readConfig(this.env).CONCURRENT_TURNS_PER_PROJECT;
    if (runningTurns(projectId) < most || this.#store.record?.openTurns.length) return;
    throw new DomainError("limit_exceeded", `${most} answers are being written`, { retryAfterSeconds: 1 });
  }

  async #decideAndStream({ decisions, posting }: DecideRequest): Promise<Response> {
    this.#existing();
    const { value: resumption } = this.#store.transact(() => this.#store.machine.decideAll(decisions));
    void this.#store.flush("feed");
    if (!resumption) return silence(posting.types, "tool-calls");
    const { messageId, isResumed } = resumption;
    if (isResumed) this.#runner.owe(messageId, posting.settings);
    return answerOn(this.#runner.streamOf(messageId), posting.types);
  }

  /** A reader who names an event gets the rest of that answer, even when it has ended; others get what is running. */
  #resume(after: string | null, asked: readonly TurnEventType[] | undefined): Response {
    const record = this.#existing();
    const types = asked ?? record.types;
    const place = readEventId(after);
    const named = place && this.#store.machine.messages.at(place.seq);
    const isOwed = record.openTurns.some(({ messageId }) => messageId === named?.id);
    if (named?.author === "bot" && !isOwed) return streamResponse(replay(named, place), types, null);
    const messageId = isOwed ? named!.id : record.openTurns[0]?.messageId;
    const stream = messageId && this.#runner.streamOf(messageId);
    return stream ? streamResponse(stream, types, after) : new Response(null, { status: 204 });
  }

  #listen(after: string | null): Response {
    this.#existing();
    return this.#store.listen(after);
  }

  async #forget(): Promise<void> {
    const { id, address } = this.#store.record!;
    await this.#store.forget((ctx) => eraseProjection(ctx, id, address !== null));
  }

  #existing(): ThreadRecord {
    const { record } = this.#store;
    if (!record || record.erased) throw notFound("thread", record?.id ?? "");
    return record;
  }
}
