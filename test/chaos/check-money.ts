import { setTimeout as wait } from "node:timers/promises";
import type { Settled } from "./check-project.ts";
import { isBots } from "./thread-run.ts";
import type { World } from "./world.ts";

/** What waits for the sweep, or for a thread's alarm, comes within that time. */
const PATIENCE_MS = 90_000;

/** An answer with the question that the model was asked for it. */
export type Paid = { messageId: string; code: string; thread: string; isWhole: boolean };
type Call = { purpose: string; message_id: string | null };

/** Once nothing is written any more, the balance is the sum of its transactions, and each call of a model is in it once. */
export async function checkMoney(world: World, settled: Settled[], planned: Paid[]): Promise<void> {
  await checkBalance(world);
  await checkCalls(world, [...settled.flatMap(answersOf), ...planned]);
}

function answersOf({ run, messages }: Settled): Paid[] {
  return run.asked.flatMap(({ question, readings }) => {
    const ids = new Set(readings.flatMap(({ messageId }) => messageId ?? []));
    return [...ids].map((messageId) => {
      // What was stopped before its first word is answered by the operator's message, which costs nothing.
      const isWhole = messages.some(
        (message) => message.id === messageId && isBots(message) && message.status === "complete",
      );
      return { messageId, code: question.code, thread: run.id, isWhole };
    });
  });
}

/** Not more calls than the model has had, nor none for what it has said. */
async function checkCalls(world: World, answers: Paid[]): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const charged = Map.groupBy(await listCalls(world), ({ message_id }) => message_id);
    const count = ({ messageId }: Paid) => charged.get(messageId)?.length ?? 0;
    const unpaid = answers.filter((answer) => answer.isWhole && count(answer) === 0);
    if (unpaid.length > 0 && Date.now() < until) {
      await wait(500);
      continue;
    }
    for (const { thread, code } of unpaid) world.violated("an answer is paid", thread, code);
    for (const answer of answers) {
      const calls = world.upstream.calls.get(answer.code) ?? 0;
      if (count(answer) > calls)
        world.violated("a call is charged once", answer.thread, `${answer.code}: ${count(answer)} of ${calls} calls`);
    }
    return;
  }
}

async function listCalls(world: World): Promise<Call[]> {
  const found: Call[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const path: string = `/billing/usage/calls?limit=1000${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const { json } = await world.call<{ data: Call[]; next_cursor: string | null }>("GET", path);
    found.push(...json.data.filter(({ purpose }) => purpose === "answer"));
    cursor = json.next_cursor;
  }
  return found;
}

async function checkBalance(world: World): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const [sum, balance] = [await sumOfTransactions(world), await readBalance(world)];
    if (sum === balance) return;
    if (Date.now() > until) {
      return world.violated("a balance is the sum of its transactions", "", `${balance}, they are ${sum}`);
    }
    await wait(500);
  }
}

async function readBalance(world: World): Promise<number> {
  const { json } = await world.call<{ credits: number; bonus: number }>("GET", "/billing/balance");
  return micro(json.credits) + micro(json.bonus);
}

async function sumOfTransactions(world: World): Promise<number> {
  type Listed = { data: { amount: number }[]; total: number };
  let [sum, seen] = [0, 0];
  for (;;) {
    const path = `/billing/transactions?limit=1000&offset=${seen}`;
    const { json } = await world.call<Listed>("GET", path);
    for (const { amount } of json.data) sum += micro(amount);
    seen += json.data.length;
    if (json.data.length === 0) return sum;
  }
}

const micro = (credits: number) => Math.round(credits * 1_000_000);
