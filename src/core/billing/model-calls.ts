import { balanceWatch } from "./balance.ts";
import type { Ctx } from "../context.ts";
import type { RecordedCall } from "./usage.ts";

/** One call of a model, with what it used and, in micro-credits, what it costs. */
export type ModelCall = {
  id: string;
  modelId: string;
  inputTokens: number;
  outputTokens: number;
  /** The model did not say what it used. */
  isEstimate: boolean;
  cost: number;
};

/** What a turn owes. `hold`: the reservation that its settlement releases; null where none was needed. */
export type Bill = { hold: string | null; calls: ModelCall[] };

/** A bill with what it is for. */
export type ThreadBill = Bill & {
  purpose: RecordedCall["purpose"];
  messageId: string | null;
  botId: string | null;
  personId: string | null;
  createdAt: number;
};

type ThreadRef = { id: string; chatId: string };

/**
 * The statements that record model calls, and with them charge what they cost: a trigger takes it off the balance. A call
 * that is recorded already changes nothing. Last comes the statement of `balanceWatch`, where anything costs something.
 */
export function chargeStatements(
  ctx: Ctx,
  thread: ThreadRef | null,
  bills: readonly ThreadBill[],
): D1PreparedStatement[] {
  const inserts = bills.flatMap((bill) => bill.calls.map((call) => callStatement(ctx, thread, bill, call)));
  const isPaid = bills.some(({ calls }) => calls.some(({ cost }) => cost > 0));
  return isPaid ? [...inserts, balanceWatch(ctx, ctx.project.id)] : inserts;
}

const callStatement = (ctx: Ctx, thread: ThreadRef | null, bill: ThreadBill, call: ModelCall) =>
  ctx.db.$client
    .prepare(
      `insert into model_calls (project_id, id, purpose, model, chat_id, thread_id, message_id, bot_id, person_id,
         input_tokens, output_tokens, is_estimate, cost, created_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
    )
    .bind(
      ctx.project.id,
      call.id,
      bill.purpose,
      call.modelId,
      thread?.chatId ?? null,
      thread?.id ?? null,
      bill.messageId,
      bill.botId,
      bill.personId,
      call.inputTokens,
      call.outputTokens,
      call.isEstimate ? 1 : 0,
      call.cost,
      bill.createdAt,
    );
