import * as fc from "fast-check";
import { assert } from "vitest";
import type { TurnOutcome } from "../../src/agent/turn.ts";
import { defaultSettings } from "../../src/core/bot-settings.ts";
import type { LiveEvent } from "../../src/core/live-events.ts";
import type { Message } from "../../src/core/messages.ts";
import type { SchedulePlan } from "../../src/core/schedules/schedule-state.ts";
import type { Mode } from "../../src/core/thread-state.ts";
import { SCHEMA } from "../../src/thread/schema.ts";
import { ThreadMachine } from "../../src/thread/thread-machine.ts";
import type { ThreadModel, Part, Plan } from "./thread-model.ts";

const NOTHING_OWED = { hold: null, calls: [] };
const identity = { projectId: "p", threadId: "t" };
const posting = {
  chatId: "c",
  botId: "b",
  personId: null,
  settings: defaultSettings("embedded/reply"),
  debounceMs: 0,
  types: ["text-delta" as const],
};

/** The machine over real tables, with what a store does around it: transactions, and events that are kept only if they commit. */
export class RealThread {
  machine!: ThreadMachine;
  readonly events: LiveEvent[] = [];
  readonly #storage: DurableObjectStorage;
  #time = 1000;
  #ids = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    const tables = storage.sql.exec<{ name: string }>("select name from sqlite_master where type = 'table'").toArray();
    for (const { name } of tables) if (!name.startsWith("_cf")) storage.sql.exec(`drop table "${name}"`);
    storage.sql.exec(SCHEMA);
    storage.sql.exec("create table events (seq integer primary key, key text, events text)");
    this.restart();
  }

  /** What was in memory is gone. */
  restart(): void {
    const { sql } = this.#storage;
    // The clock stands still now and then, and once in a while it jumps back.
    const now = () => (this.#time += [1, 0, 5, -3][this.#ids % 4]!);
    this.machine = new ThreadMachine({ sql, now, newId: () => `id-${++this.#ids}` });
  }

  /** `lost`: the transaction is rolled back at its end. */
  do<T>(run: (machine: ThreadMachine) => T, lost = false): T {
    try {
      return this.#storage.transactionSync(() => {
        const { value, events } = this.machine.transition(() => run(this.machine));
        if (lost) throw new RolledBack(value);
        this.events.push(...events);
        return value;
      });
    } catch (error) {
      this.machine.reread();
      if (error instanceof RolledBack) return error.value as T;
      throw error;
    }
  }
}

class RolledBack {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

type ThreadCommand = fc.Command<ThreadModel, RealThread>;

/** A command that leaves thread and model alike; `run` does the same to both. */
function command(
  text: string,
  check: (model: ThreadModel) => boolean,
  run: (model: ThreadModel, real: RealThread) => void,
): ThreadCommand {
  return {
    check: (model) => check(model as ThreadModel),
    run(model, real) {
      run(model, real);
      compare(model, real);
    },
    toString: () => text,
  };
}

const exists = (model: ThreadModel) => model.messages.length > 0;
const outcomeOf = (status: TurnOutcome["status"], parts: Part[], more: Partial<TurnOutcome> = {}): TurnOutcome => ({
  status,
  parts,
  finishReason: status === "complete" ? "stop" : null,
  model: "m",
  usage: { inputTokens: 1, outputTokens: 1 },
  failure: status === "complete" ? null : { code: "upstream_failed", message: "no" },
  approvals: [],
  followUp: null,
  control: { mode: null, workingMemory: null, plans: [], cancelledPlans: [] },
  ...more,
});

const word = (text: string): Part => ({ type: "text", text });
const text = fc.constantFrom("a", "b", "c");
const key = fc.option(fc.constantFrom("k1", "k2", "k3"), { freq: 3 });
const mode = fc.constantFrom<Mode>("auto", "manual", "auto", "manual", "operator", "blocked");
const draft = fc.option(text, { freq: 2 });
const once = (name: string | null, kind: string) => (name ? { key: `${kind}-${name}`, requestHash: kind } : null);
const drafted = (model: ThreadModel, said: string | null) =>
  said && model.running ? [...model.running.parts, word(said)] : null;

const [LONG_AGO, FAR_OFF] = [1, 1e12];
const dueAtOf = ({ isDue }: Pick<Plan, "isDue">) => (isDue ? LONG_AGO : FAR_OFF);
const minutely = (maxExecutions: number) => ({
  cron: "* * * * *",
  timeZone: "UTC",
  maxExecutions,
  missed: "once" as const,
});
const newPlan = fc
  .record({
    kind: fc.constantFrom("send" as const, "task" as const),
    text,
    isDue: fc.boolean(),
    cancelIfReply: fc.boolean(),
    runs: fc.constantFrom(null, null, 1, 2),
  })
  .map((plan) => ({ ...plan, runs: plan.kind === "send" ? null : plan.runs }));
const planOf = (plan: Plan): SchedulePlan => ({
  kind: plan.kind,
  text: plan.text,
  dueAt: dueAtOf(plan),
  cancelIfReply: plan.cancelIfReply,
  createdBy: "operator",
  recurrence: plan.runs === null ? null : minutely(plan.runs),
});
const hasPlans = (model: ThreadModel) => model.plans.length > 0;
const chosen = (model: ThreadModel, which: number) => model.plans[which % model.plans.length]!;

const plan = newPlan.map((given) =>
  command(`plan(${JSON.stringify(given)})`, exists, (model, real) => {
    const planned: Plan = { id: "", status: "pending", ...given };
    const run = () => real.do((machine) => machine.schedule(planOf(planned), null));
    if (model.plan(planned)) planned.id = run().id;
    else assert.throws(run, /in manual mode|is blocked/);
  }),
);

const postLater = fc.record({ said: text, isDue: fc.boolean(), cancelIfReply: fc.boolean() }).map((given) =>
  command(
    `post later(${JSON.stringify(given)})`,
    () => true,
    (model, real) => {
      const { said, ...more } = given;
      // The same, asked again, is answered once: each is another here.
      const asked = `${said}${model.announced.size}`;
      const planned: Plan = { id: "", kind: "answer", text: asked, runs: null, status: "pending", ...more };
      const later = { dueAt: dueAtOf(planned), cancelIfReply: planned.cancelIfReply };
      const request = { posting, messages: [{ text: asked }], regenerate: false, once: null, later };
      const posted = real.do((machine) => machine.post(identity, request));
      assert.equal(posted.kind === "scheduled", model.postLater(asked, planned));
      if (posted.kind === "scheduled") planned.id = posted.scheduleId;
    },
  ),
);

const replan = fc
  .tuple(fc.nat(), fc.constantFrom("pending" as const, "paused" as const), fc.boolean())
  .map(([which, status, isDue]) =>
    command(`replan(${which}, ${status}, ${isDue ? "due" : "far off"})`, hasPlans, (model, real) => {
      const planned = chosen(model, which);
      const changes = { status, dueAt: dueAtOf({ isDue }) };
      const run = () => real.do((machine) => machine.changeSchedule(planned.id, changes));
      if (model.replan(planned, status, isDue)) run();
      else assert.throws(run, "already");
    }),
  );

const cancelPlan = fc.nat().map((which) =>
  command(`cancel(${which})`, hasPlans, (model, real) => {
    const planned = chosen(model, which);
    const run = () => real.do((machine) => machine.cancelSchedule(planned.id));
    if (model.cancelPlan(planned)) run();
    else assert.throws(run, "already");
  }),
);

/** Bells come early, late and doubled; each has the id that was promised. `again`: its next time comes at once. */
const fire = fc.tuple(fc.nat(), fc.constantFrom("", "", "doubled", "again")).map(([which, how]) =>
  command(`fire(${which}${how && `, ${how}`})`, hasPlans, (model, real) => {
    const planned = chosen(model, which);
    const chat = { active: true, failing: false };
    for (let time = 0; time < (how === "" ? 1 : 2); time++) {
      if (how === "again" && model.replan(planned, "pending", true)) {
        real.do((machine) => machine.changeSchedule(planned.id, { status: "pending", dueAt: LONG_AGO }));
      }
      const promised = real.machine.timetable.log.find(planned.id)!.messageId;
      const before = model.messages.length;
      model.fire(planned);
      real.do((machine) => machine.fire(planned.id, chat));
      const isNew = model.messages.length > before;
      if (isNew && promised) assert.equal(real.machine.messages.last()!.id, promised);
    }
  }),
);

const post = fc
  .tuple(
    fc.array(fc.record({ id: fc.option(fc.constantFrom("m1", "m2", "m3")), text }), { minLength: 1, maxLength: 2 }),
    key,
  )
  .filter(([questions]) => new Set(questions.map(({ id }) => id ?? {})).size === questions.length)
  .map(([list, name]) => {
    const questions = list.map((question) => ({ ...question, id: question.id ?? undefined }));
    return command(
      `post(${JSON.stringify(list)}, ${name})`,
      () => true,
      (model, real) => {
        const repeated = name !== null && model.keys.has(`post-${name}`);
        const led = model.post(questions, name && `post-${name}`);
        const request = { posting, messages: questions, regenerate: false, once: once(name, "post") };
        const posted = real.do((machine) => machine.post(identity, request));
        assert.equal(posted.kind === "unanswered", led === null);
        if (repeated && led) assert.deepEqual(posted, { kind: "known", messageId: led.id });
      },
    );
  });

const REFUSED = /an answer is being written|an operator has answered|in auto mode/;

const regenerate = fc.option(fc.nat(), { freq: 2 }).map((place) =>
  command(`regenerate(${place})`, exists, (model, real) => {
    const asked = place === null ? null : model.messages[place % model.messages.length]!;
    const request = { posting, messages: [], regenerate: true, anew: asked?.id, once: null };
    const run = () => real.do((machine) => machine.post(identity, request));
    if (model.regenerate(asked)) run();
    else assert.throws(run, REFUSED);
  }),
);

const reword = fc.nat().map((place) =>
  command(
    `reword(${place})`,
    (model) => model.messages.some(({ author }) => author === "person"),
    (model, real) => {
      const questions = model.messages.filter(({ author }) => author === "person");
      const asked = questions[place % questions.length]!;
      const said = `${place}, but`;
      const request = {
        posting,
        messages: [{ id: asked.id, text: said }],
        regenerate: false,
        anew: asked.id,
        once: null,
      };
      const run = () => real.do((machine) => machine.post(identity, request));
      if (JSON.stringify(asked.parts).includes(said)) return;
      if (model.reword(asked, said)) run();
      else assert.throws(run, REFUSED);
    },
  ),
);

const say = text.map((said) =>
  command(
    `say(${said})`,
    (model) => model.running !== null,
    (model, real) => {
      const parts = drafted(model, said)!;
      real.machine.messages.checkpoint(model.running!.id, parts, NOTHING_OWED);
      model.say(parts);
    },
  ),
);

const commit = fc
  .record({
    said: text,
    status: fc.constantFrom<TurnOutcome["status"]>("complete", "complete", "complete", "interrupted", "failed"),
    approvals: fc.constantFrom(0, 0, 1, 2),
    mode: fc.constantFrom<Mode | null>(null, null, null, "manual"),
    planned: fc.option(newPlan, { freq: 1 }),
  })
  .map(({ said, status, approvals, mode: next, planned }) =>
    command(
      `commit(${said}, ${status}, ${approvals} approvals, ${next}, ${JSON.stringify(planned)})`,
      (model) => model.running !== null,
      (model, real) => {
        const parts = status === "failed" ? model.running!.parts : drafted(model, said)!;
        const asked = status === "complete" && !next ? approvals : 0;
        const id = `plan-of-${model.running!.id}-${model.plans.length}`;
        const plans: Plan[] = planned ? [{ ...planned, id, kind: "task", status: "pending" }] : [];
        const control = {
          mode: status === "complete" ? next : null,
          workingMemory: null,
          plans: plans.map((one) => ({ ...planOf(one), id: one.id })),
          cancelledPlans: [],
        };
        const requests = Array.from({ length: asked }, (_, index) => ({
          id: `${model.running!.id}-a${model.approvals.length + index}`,
          toolCallId: `call-${index}`,
          toolName: "tool",
          args: null,
          requestedFrom: "operator" as const,
        }));
        const outcome = outcomeOf(status, parts, { approvals: requests, control });
        const { epoch } = real.machine.record!;
        const messageId = model.running!.id;
        model.commit({ status, parts, approvals: asked, mode: control.mode, plans });
        assert.equal(
          real.do((machine) => machine.commit(messageId, epoch, outcome, NOTHING_OWED)),
          true,
        );
        assert.equal(
          real.do((machine) => machine.commit(messageId, epoch, outcome, NOTHING_OWED)),
          false,
        );
      },
    ),
  );

/** A turn that began before a change of mode, or whose turn it is not, changes nothing. */
const commitInVain = fc.boolean().map((late) =>
  command(
    `commit in vain(${late ? "of an earlier epoch" : "not its turn"})`,
    (model) => model.turns.length > (late ? 0 : 1),
    (model, real) => {
      const { epoch } = real.machine.record!;
      const { id } = model.turns[late ? 0 : 1]!.message;
      const outcome = outcomeOf("complete", [word("never said")]);
      const run = (machine: ThreadMachine) => machine.commit(id, late ? epoch - 1 : epoch, outcome, NOTHING_OWED);
      assert.equal(real.do(run), false);
    },
  ),
);

const setMode = fc.tuple(mode, draft, key, fc.integer({ min: 0, max: 4 })).map(([next, said, name, lot]) =>
  command(`mode(${next}, ${said}, ${name}${lot === 0 ? ", rolled back" : ""})`, exists, (model, real) => {
    const parts = drafted(model, said);
    const draftOf = parts && { parts, bill: NOTHING_OWED };
    const request = once(name, `mode-${next}`);
    real.do((machine) => machine.setMode(next, draftOf, request), lot === 0);
    if (lot > 0) model.setMode(next, parts, request && request.key);
  }),
);

const stop = draft.map((said) =>
  command(`stop(${said})`, exists, (model, real) => {
    const parts = drafted(model, said);
    const ran = model.running !== null;
    model.stop(parts);
    assert.equal(
      real.do((machine) => machine.stop(parts && { parts, bill: NOTHING_OWED }, null)),
      ran,
    );
  }),
);

const send = fc.tuple(text, key).map(([said, name]) =>
  command(`send(${said}, ${name})`, exists, (model, real) => {
    const run = () => real.do((machine) => machine.send(said, once(name, "send")));
    if (model.send(said, name && `send-${name}`)) run();
    else assert.throws(run, "an operator can send in manual mode");
  }),
);

const decide = fc.tuple(fc.nat(), fc.boolean()).map(([which, approved]) =>
  command(
    `decide(${which}, ${approved})`,
    (model) => model.approvals.length > 0,
    (model, real) => {
      const index = which % model.approvals.length;
      const { id } = real.machine.approvals.page({ limit: 1000 }).items[index]!;
      const decision = { approvalId: id, approved, reason: null, by: "operator" as const };
      const run = () => real.do((machine) => machine.decide(decision));
      if (model.approvals[index]!.status !== "pending") return assert.throws(run, "already");
      model.decide(index, approved);
      return void run();
    },
  ),
);

const crash = fc.constant(
  command("crash()", exists, (model, real) => {
    real.restart();
    real.do((machine) => machine.recover());
    model.crash();
  }),
);

const abandon = fc.constant(
  command(
    "abandon()",
    (model) => model.running !== null,
    (model, real) => {
      const { id } = model.running!;
      model.abandon();
      real.do((machine) => machine.abandon(id, "no chat", NOTHING_OWED));
    },
  ),
);

const planning = [plan, plan, postLater, replan, cancelPlan, fire, fire];

export const machineCommands = fc.commands(
  [
    post,
    post,
    say,
    say,
    commit,
    commit,
    commitInVain,
    setMode,
    stop,
    send,
    decide,
    crash,
    abandon,
    regenerate,
    reword,
    ...planning,
  ],
  { maxCommands: 60, size: "max" },
);

const said = ({ author, status, parts }: Pick<Message, "author" | "status"> & { parts: unknown }) =>
  `${author} ${status} ${JSON.stringify(parts)}`;

/** Holds the thread against the model, and takes over the ids that it has chosen. */
function compare(model: ThreadModel, { machine, events }: RealThread): void {
  const messages = machine.messages.page({ limit: 1000 }).items;
  assert.deepEqual(messages.map(said), model.messages.map(said));
  for (const [index, { id }] of messages.entries()) model.messages[index]!.id = id;
  const { mode: is, openTurns, pendingCount, userMessages, botMessages } = machine.record!;
  const turns = model.turns.map(({ message }) => message.id);
  assert.deepEqual({ mode: is, turns: openTurns.map(({ messageId }) => messageId) }, { mode: model.mode, turns });
  const counts = { pending: pendingCount, user: userMessages, bot: botMessages };
  assert.deepEqual(counts, { pending: model.pendingCount, ...model.counts });
  const approvals = machine.approvals.page({ limit: 1000 }).items.map(({ status }) => status);
  const expected = model.approvals.map(({ status }) => status);
  assert.deepEqual(approvals, expected);
  comparePlans(model, machine);
  const times = messages.map(({ createdAt }) => createdAt);
  const growing = [...new Set(times)].toSorted((a, b) => a - b);
  assert.deepEqual(times, growing);
  compareTold(model, events);
}

function comparePlans(model: ThreadModel, { timetable }: ThreadMachine): void {
  const is = model.plans.map(({ id }) => {
    const { status, dueAt } = timetable.log.find(id)!;
    return { status, isDue: dueAt === LONG_AGO };
  });
  assert.deepEqual(is.map(planLine), model.plans.map(planLine));
}

/** When it is due matters to what is open alone. */
const planLine = ({ status, isDue }: Pick<Plan, "status" | "isDue">) =>
  status === "completed" || status === "cancelled" ? status : `${status} ${isDue ? "due" : "later"}`;

/** Whoever only listens knows as much. */
function compareTold(model: ThreadModel, events: LiveEvent[]): void {
  const created = events.flatMap((event) => (event.type === "message-created" ? [event.messageId] : []));
  const announced = [...model.announced].map(({ id }) => id);
  assert.deepEqual(created.toSorted(), announced.toSorted());
  const modes = events.flatMap((event) => (event.type === "mode-changed" ? [event.mode] : []));
  assert.equal(modes.at(-1) ?? "auto", model.mode);
  const planned = events.flatMap((event) => (event.type === "schedule-created" ? [event.scheduleId] : []));
  assert.deepEqual(planned.toSorted(), model.plans.map(({ id }) => id).toSorted());
  const cancelled = events.flatMap((event) => (event.type === "schedule-cancelled" ? [event.scheduleId] : []));
  const over = model.plans.filter(({ status }) => status === "cancelled");
  assert.deepEqual(cancelled.toSorted(), over.map(({ id }) => id).toSorted());
  const pending = events.flatMap((event) => (event.type === "pending-count" ? [event.pendingCount] : []));
  assert.equal(pending.at(-1) ?? 0, model.pendingCount);
}
