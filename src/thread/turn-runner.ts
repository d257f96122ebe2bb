import { Meter } from "../agent/meter.ts";
import { writeTitle } from "../agent/title.ts";
import type { Planning } from "../agent/tool.ts";
import { mayPlan } from "../agent/tools.ts";
import { runTurn, type TurnOutcome } from "../agent/turn.ts";
import { limitsOf } from "../core/billing/budgets.ts";
import { readLiveChat } from "../core/access.ts";
import type { BotSettings } from "../core/bot-settings.ts";
import { DomainError } from "../core/errors.ts";
import { textOf, type Message, type MessagePart } from "../core/messages.ts";
import { showTyping } from "../core/channels/typing.ts";
import { hasRoom } from "../core/schedules/schedule-room.ts";
import { recallMessages } from "../core/recall/recall-search.ts";
import { searchKnowledge } from "../core/knowledge/knowledge-search.ts";
import type { TurnEvent } from "../core/turn-events.ts";
import { sleep } from "../lib/time.ts";
import { AnswerStream, endEvents, replay } from "./answer-stream.ts";
import type { OpenTurn } from "./thread-record.ts";
import type { Draft } from "./turn-rules.ts";
import type { ThreadStore } from "./thread-store.ts";
import { beginTurn } from "./turn-count.ts";

const CHECKPOINT_MS = 1000;
const CHECKPOINT_CHARACTERS = 4096;

/** The turn that is being run, and what it has said. */
type Running = {
  messageId: string;
  epoch: number;
  abort: AbortController;
  meter: Meter;
  parts: MessagePart[] | null;
  saved: { at: number; characters: number } | null;
  /** Set while something is said that is not stored yet. */
  saving: ReturnType<typeof setTimeout> | null;
};

/** Runs the answers that a thread owes, one at a time and in order, and keeps a stream of each for those who read it. */
export class TurnRunner {
  readonly #store: ThreadStore;
  readonly #idleTimeoutMs: () => number;
  readonly #streams = new Map<string, AnswerStream>();
  /** The settings that came with a message, for its turn; a turn without them asks D1. */
  readonly #settings = new Map<string, BotSettings>();
  #running: Running | null = null;

  constructor(store: ThreadStore, idleTimeoutMs: () => number) {
    this.#store = store;
    this.#idleTimeoutMs = idleTimeoutMs;
  }

  /** What the running answer has said so far and what it owes, for a transition that ends it. */
  get draft(): Draft | null {
    return this.#running && { parts: this.#running.parts, bill: this.#running.meter.bill };
  }

  /** A message as a reader shall see it now: the running answer with what it has said since it was last stored. */
  asSaid<M extends Message>(message: M): M {
    const parts = this.#running?.messageId === message.id ? this.#running.parts : null;
    return parts ? { ...message, parts } : message;
  }

  /** Takes note of a message's settings and starts what can be started. */
  owe(messageId: string, settings: BotSettings): void {
    this.#settings.set(messageId, settings);
    this.advance();
  }

  /** The stream of an answer: live while it is owed, else as it is stored; null where there is no such message. */
  streamOf(messageId: string): AnswerStream | null {
    const live = this.#streams.get(messageId);
    if (live) return live;
    const message = this.#store.machine.messages.find(messageId);
    if (!message) return null;
    const turn = this.#store.record?.openTurns.find((open) => open.messageId === messageId);
    if (!turn) return replay(message, null);
    const stream = new AnswerStream(message, turn.continues ? Date.now() : 0);
    this.#streams.set(messageId, stream);
    return stream;
  }

  /** Ends the streams of answers that were closed; if the running one is among them, it is aborted. */
  close(messageIds: string[]): void {
    for (const messageId of messageIds) {
      this.#streams.get(messageId)?.push([{ type: "finish", finishReason: "stop" }]);
      this.#forget(messageId);
      if (this.#running?.messageId !== messageId) continue;
      this.#running.abort.abort(new DomainError("conflict", "the answer was ended"));
      this.#running = null;
    }
    this.advance();
  }

  /** After a crash: what had begun is interrupted, what had not begins again. */
  recover(): void {
    if (this.#running) return;
    this.#store.transact(() => this.#store.machine.recover());
    // Not left to the alarm: having been set anew here, it may ring only after its whole interval.
    void this.#store.flush("all");
    this.advance();
  }

  /** Starts the next answer, unless one is running or the next still waits for more messages of its burst. */
  advance(): void {
    const record = this.#store.record;
    const [turn] = record?.openTurns ?? [];
    if (this.#running || !record || !turn) return;
    const waitMs = turn.notBefore - Date.now();
    if (waitMs > 0) {
      setTimeout(() => this.advance(), waitMs);
      this.#store.alarm.arm(turn.notBefore);
      return;
    }
    const abort = new AbortController();
    const [{ messageId }, { epoch }] = [turn, record];
    this.#running = {
      messageId,
      epoch,
      abort,
      meter: this.#newMeter(() => this.#settings.get(messageId)!),
      parts: null,
      saved: null,
      saving: null,
    };
    void this.#run(this.#running, turn);
  }

  async #run(running: Running, turn: OpenTurn): Promise<void> {
    const stream = this.streamOf(turn.messageId)!;
    const endTurn = beginTurn(this.#store.context.project.id);
    const typing = this.#showTyping();
    try {
      stream.push([{ type: "start", messageId: turn.messageId }]);
      const settings = await this.#settingsOf(turn.messageId);
      this.#settings.set(turn.messageId, settings);
      const planning = mayPlan(settings) ? await this.#planning() : null;
      const outcome = await runTurn(this.#store.machine.turnInput(turn.messageId, settings, planning), {
        openModel: this.#store.context.model,
        newId: this.#store.context.newId,
        searchKnowledge: (query) => searchKnowledge(this.#store.context, query),
        recall: (query) => {
          const { id: threadId, personId } = this.#store.record!;
          return recallMessages(this.#store.context, { ...query, threadId, personId });
        },
        meter: running.meter,
        signal: running.abort.signal,
        idleTimeoutMs: this.#idleTimeoutMs(),
        say: (events, parts) => this.#say(running, stream, events, parts),
      });
      await this.#commit(running, stream, outcome);
      if (outcome.status === "complete") this.#store.context.defer(this.#title(settings));
    } catch (error) {
      if (!running.abort.signal.aborted) await this.#abandon(running, stream, error);
    } finally {
      typing?.abort();
      clearTimeout(running.saving ?? undefined);
      endTurn();
      if (this.#running === running) this.#running = null;
    }
    this.advance();
  }

  async #planning(): Promise<Planning> {
    const { context, machine } = this.#store;
    const room = await hasRoom(context, "recurring").catch(() => false);
    return { now: Date.now(), schedules: machine.timetable.log.open(), hasRoom: room, newId: context.newId };
  }

  #showTyping(): AbortController | null {
    const address = this.#store.record?.address;
    if (!address) return null;
    const typing = new AbortController();
    this.#store.context.defer(showTyping(this.#store.context, address, typing.signal, sleep));
    return typing;
  }

  async #settingsOf(messageId: string): Promise<BotSettings> {
    const known = this.#settings.get(messageId);
    if (known) return known;
    const { db, project, defaultModel } = this.#store.context;
    const chat = await readLiveChat(db, project.id, this.#store.record!.chatId, defaultModel);
    if (!chat?.active) throw new DomainError("conflict", "this chat, its bot or its integration is not active");
    return chat.settings;
  }

  /** Stored first, as often as a crash may cost, also when nothing more is said; then shown. */
  #say(running: Running, stream: AnswerStream, events: TurnEvent[], parts: MessagePart[]): void {
    if (running.abort.signal.aborted) return;
    running.parts = parts;
    const { saved } = running;
    const { characters } = stream;
    const isDue =
      !saved || Date.now() - saved.at >= CHECKPOINT_MS || characters - saved.characters >= CHECKPOINT_CHARACTERS;
    if (isDue) this.#save(running, characters);
    else running.saving ??= setTimeout(() => this.#save(running, stream.characters), CHECKPOINT_MS);
    stream.push(events);
  }

  #save(running: Running, characters: number): void {
    clearTimeout(running.saving ?? undefined);
    running.saving = null;
    if (this.#running !== running) return;
    this.#store.machine.messages.checkpoint(running.messageId, running.parts!, running.meter.bill);
    running.saved = { at: Date.now(), characters };
  }

  /** The end of an answer is told once it is stored, and once the lists know it or are too slow to wait for. */
  async #commit(running: Running, stream: AnswerStream, outcome: TurnOutcome): Promise<void> {
    const { machine } = this.#store;
    const { value: committed, closed } = this.#store.transact(() =>
      machine.commit(running.messageId, running.epoch, outcome, running.meter.bill),
    );
    if (!committed) return;
    this.#running = null;
    await this.#store.flushSoon();
    if (outcome.status === "failed") stream.failure = outcome.failure;
    stream.push(endEvents({ ...outcome, error: outcome.failure?.message ?? null }));
    this.#forget(running.messageId);
    this.close(closed);
  }

  async #abandon(running: Running, stream: AnswerStream, error: unknown): Promise<void> {
    const known = error instanceof DomainError;
    if (!known) console.error("turn", error);
    const message = known ? error.message : "the answer could not be made";
    this.#store.transact(() => this.#store.machine.abandon(running.messageId, message, running.meter.bill));
    await this.#store.flushSoon();
    stream.failure = { code: known ? error.code : "unavailable", message };
    stream.push([{ type: "error", error: message }]);
    this.#forget(running.messageId);
  }

  #forget(messageId: string): void {
    this.#streams.get(messageId)?.end();
    this.#streams.delete(messageId);
    this.#settings.delete(messageId);
  }

  /** A failed attempt is made again after the next answer. */
  async #title(settings: BotSettings): Promise<void> {
    if (!settings.memory.generateTitle || this.#store.record?.title !== null) return;
    const { machine } = this.#store;
    const first = machine.messages.page({ limit: 1 }).items[0];
    if (!first) return;
    const meter = this.#newMeter(() => settings);
    const title = await writeTitle(settings.model.id, textOf(first.parts), { ...this.#store.context, meter }).catch(
      (error: unknown) => console.warn("title", error),
    );
    if (!this.#store.record || this.#store.record.erased) return;
    const isWanted = title && this.#store.record.title === null;
    this.#store.transact(() => machine.setTitle(isWanted ? title : null, meter.bill));
    await this.#store.flush("all");
  }

  /** By the time that something is reserved, the settings of the turn are known. */
  #newMeter(settings: () => BotSettings): Meter {
    const { billing, feed, newId, now } = this.#store.context;
    const limits = () => limitsOf(settings().budgets, this.#store.record!, now());
    return new Meter({
      prices: billing.prices,
      newId,
      reserve: (hold, amount) => feed.reserve({ hold, amount, limits: limits() }),
    });
  }
}
