import { readLiveChat } from "../core/access.ts";
import type { ThreadStore } from "./thread-store.ts";
import type { TurnRunner } from "./turn-runner.ts";

const LONGEST_RETRY_MS = 60_000;

/** Does what is due in a thread: at the object's alarm, or when somebody who watches the clock rings for it. */
export class ScheduleRunner {
  readonly #store: ThreadStore;
  readonly #turns: TurnRunner;
  #failures = 0;

  constructor(store: ThreadStore, turns: TurnRunner) {
    this.#store = store;
    this.#turns = turns;
  }

  /** The chat is asked for as it is now. What is due stays due when that fails, and is tried again by alarm. */
  async fireDue(): Promise<void> {
    const { machine, context, record } = this.#store;
    const due = machine.timetable.log.due(Date.now());
    if (due.length === 0 || !record) return;
    try {
      const chat = await readLiveChat(context.db, context.project.id, record.chatId, context.defaultModel);
      for (const { id } of due) {
        const { value: owed } = this.#store.transact(() => machine.fire(id, chat));
        if (owed) this.#turns.owe(owed, chat!.settings);
      }
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.#store.postponeDue(Date.now() + Math.min(1000 * 2 ** this.#failures, LONGEST_RETRY_MS));
      throw error;
    }
    await this.#store.flushSoon();
  }
}
