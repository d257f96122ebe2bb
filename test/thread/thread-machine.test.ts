import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { TurnOutcome } from "../../src/agent/turn.ts";
import { defaultSettings } from "../../src/core/bot-settings.ts";
import type { PostCommand } from "../../src/core/ports.ts";
import { SCHEMA } from "../../src/thread/schema.ts";
import { ThreadMachine } from "../../src/thread/thread-machine.ts";

const identity = { projectId: "p", threadId: "t" };
const posting = {
  chatId: "c",
  botId: "b",
  personId: null,
  settings: defaultSettings("embedded/reply"),
  debounceMs: 0,
  types: ["text-delta" as const],
};
const command = (text: string): PostCommand => ({
  posting,
  messages: [{ text }],
  regenerate: false,
  later: null,
  once: null,
});

const outcome: TurnOutcome = {
  status: "complete",
  parts: [{ type: "text", text: "I am a bot." }],
  finishReason: "stop",
  model: "m",
  usage: { inputTokens: 1, outputTokens: 1 },
  failure: null,
  approvals: [],
  control: { mode: null, workingMemory: null, plans: [], cancelledPlans: [] },
  followUp: null,
};

const NOTHING_OWED = { hold: null, calls: [] };

/** A machine over the tables of an object that nobody else uses. */
const withMachine = (run: (machine: ThreadMachine) => void) =>
  runInDurableObject(env.THREADS.getByName(crypto.randomUUID()), (_, { storage }) => {
    storage.sql.exec(SCHEMA);
    storage.sql.exec("create table events (seq integer primary key, key text, events text)");
    let [time, id] = [1000, 0];
    run(new ThreadMachine({ sql: storage.sql, now: () => ++time, newId: () => `id-${++id}` }));
  });

const owed = (machine: ThreadMachine, text: string) => {
  const posted = machine.post(identity, command(text));
  return posted.kind === "owed" ? posted.messageId : "";
};

it("lets the running turn commit, once", () =>
  withMachine((machine) => {
    const answer = owed(machine, "hi");
    expect(machine.commit(answer, 1, outcome, NOTHING_OWED)).toBe(true);
    expect(machine.commit(answer, 1, outcome, NOTHING_OWED)).toBe(false);
    expect(machine.record).toMatchObject({ openTurns: [], botMessages: 1, pendingCount: 0 });
  }));

it("lets no turn commit that began before a change of mode, even when the mode is auto again", () =>
  withMachine((machine) => {
    owed(machine, "hi");
    const { epoch } = machine.record!;
    machine.setMode("manual", null, null);
    machine.setMode("auto", null, null);
    const next = owed(machine, "again");
    expect(machine.commit(next, epoch, outcome, NOTHING_OWED)).toBe(false);
    expect(machine.messages.find(next)!.status).toBe("pending");
    expect(machine.commit(next, machine.record!.epoch, outcome, NOTHING_OWED)).toBe(true);
  }));

it("lets no turn commit before its turn has come", () =>
  withMachine((machine) => {
    const first = owed(machine, "one");
    const second = owed(machine, "two");
    expect(machine.commit(second, 1, outcome, NOTHING_OWED)).toBe(false);
    expect(machine.commit(first, 1, outcome, NOTHING_OWED)).toBe(true);
    expect(machine.commit(second, 1, outcome, NOTHING_OWED)).toBe(true);
  }));

it("gives every message a later time than the one before, though the clock stands still or runs back", () =>
  withMachine((machine) => {
    for (const text of ["a", "b", "c"]) machine.commit(owed(machine, text), 1, outcome, NOTHING_OWED);
    const times = machine.messages.page({ limit: 10 }).items.map(({ createdAt }) => createdAt);
    expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
  }));
