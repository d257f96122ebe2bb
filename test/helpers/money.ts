import { newChat, root, type Caller } from "./project.ts";
import type { FakeModel } from "./upstream.ts";

/** What the fake upstream reports costs this much by the default price: 7 tokens in, 3 out. */
export const TURN_COST = 0.019;

/** Leaves a project with so many credits and nothing else. */
export async function setCredits(project: { id: string }, credits: number): Promise<void> {
  await adjust(project, "charge", 1_000_000_000);
  if (credits > 0) await adjust(project, "topup", credits);
}

export const adjust = (project: { id: string }, type: string, amount: number) =>
  root.post(`/projects/${project.id}/billing/adjust`, { type, amount, description: "by hand" });

export async function poorChat(model: FakeModel, credits: number, ai: object = {}) {
  const chat = await newChat(model, ai);
  await setCredits(chat.project, credits);
  return chat;
}

export const balanceOf = async (project: Caller) => (await project.get("/billing/balance")).json;

/** All transactions, oldest first, but for those with which the test began. */
export async function transactionsOf(
  project: Caller,
): Promise<{ type: string; amount: number; description: string }[]> {
  const { json } = await project.get("/billing/transactions?limit=1000");
  return json.data.toReversed();
}

/** In whole micro-credits, so that the sum is exact. */
export const sumOf = (transactions: { amount: number }[]) =>
  transactions.reduce((sum, { amount }) => sum + Math.round(amount * 1_000_000), 0) / 1_000_000;
