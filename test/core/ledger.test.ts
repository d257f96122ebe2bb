import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { chargeStatements, type ThreadBill } from "../../src/core/billing/model-calls.ts";
import { openContext } from "../../src/runtime/context.ts";
import { newProject, root } from "../helpers/project.ts";

type Step =
  | { type: "call"; id: number; cost: number }
  | { type: "charge" | "topup" | "bonus" | "refund"; amount: number };

const amount = fc.integer({ min: 1, max: 400_000 });
const call = fc.record({ type: fc.constant("call" as const), id: fc.nat(8), cost: amount });
const adjustment = fc.record({ type: fc.constantFrom("charge", "topup", "bonus", "refund"), amount });
/** What happens one after the other; what is in one list happens at the same time. */
const history = fc.array(fc.array(fc.oneof(call, adjustment), { minLength: 1, maxLength: 6 }), { maxLength: 6 });

const billOf = ({ id, cost }: { id: number; cost: number }): ThreadBill => ({
  hold: null,
  calls: [{ id: `call-${id}`, modelId: "openai/x", inputTokens: 1, outputTokens: 1, isEstimate: false, cost }],
  purpose: "answer",
  messageId: null,
  botId: "bot",
  personId: null,
  createdAt: 1,
});

type Row = { id: string; type: string; credits: number; bonus: number };

it("every balance is the sum of its transactions, whatever happens at once, repeated or beyond what is there", async () => {
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      const project = await newProject();
      const ctx = openContext(env, project, { actor: { type: "system", job: "test" }, defer: () => undefined });
      const costs = new Map<string, number>();
      const run = async (step: Step) => {
        if (step.type !== "call") {
          const credits = step.amount / 1_000_000;
          return root.post(`/projects/${project.id}/billing/adjust`, { type: step.type, amount: credits });
        }
        const cost = costs.get(`call-${step.id}`) ?? step.cost;
        costs.set(`call-${step.id}`, cost);
        return env.DB.batch(chargeStatements(ctx, { id: "t", chatId: "c" }, [billOf({ id: step.id, cost })]));
      };
      await run({ type: "charge", amount: 1e12 });
      for (const atOnce of steps) await Promise.all(atOnce.map(run));

      const { results } = await env.DB.prepare("select * from transactions where project_id = ?")
        .bind(project.id)
        .all<Row>();
      const sum = (of: (row: Row) => number) => results.reduce((total, row) => total + of(row), 0);
      const account = await env.DB.prepare("select * from accounts where project_id = ?").bind(project.id).first<Row>();
      expect(account).toMatchObject({
        credits: sum(({ credits }) => credits),
        bonus: sum(({ bonus }) => bonus),
        transactions: results.length,
      });
      expect(Math.min(account!.credits, account!.bonus)).toBeGreaterThanOrEqual(0);
      const charged = results.filter(({ id }) => costs.has(id));
      for (const { id, credits, bonus } of charged) expect(-credits - bonus).toBeLessThanOrEqual(costs.get(id)!);
      const taken = results.filter(({ type }) => type === "charge");
      for (const { credits, bonus } of taken) expect(Math.max(credits, bonus)).toBeLessThanOrEqual(0);
    }),
    { numRuns: 25 },
  );
});

it("a transaction can be neither changed nor written twice", async () => {
  const project = await newProject();
  const change = env.DB.prepare("update transactions set credits = 0 where project_id = ?").bind(project.id);
  await expect(change.run()).rejects.toThrow("never changed");
  const copy = env.DB.prepare(
    "insert into transactions select * from transactions where project_id = ? on conflict do nothing",
  );
  await copy.bind(project.id).run();
  expect((await project.get("/billing/balance")).json).toEqual({ credits: 1_000_000, bonus: 0 });
});
