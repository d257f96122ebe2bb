import { creditsOf } from "./credits.ts";

/** How much may be spent in a period, in micro-credits. Periods are those of the calendar in UTC. */
export type Budget = { credits: number; period: "day" | "month" };

/** What a bot may spend in all, and what each person may make it spend. */
export type Budgets = { bot?: Budget; person?: Budget };

/** A budget at some moment: who it is for, and since when what was spent counts. */
export type Limit = { scope: string; since: string; amount: number; message: string; isPersonal: boolean };

type Who = { botId: string; personId: string | null };

export function limitsOf({ bot, person }: Budgets, { botId, personId }: Who, now: Date): Limit[] {
  const ofBot = bot ? [limitOf(`bot:${botId}`, "the bot's budget", bot, now)] : [];
  const ofPerson = person && personId ? [limitOf(`person:${personId}`, "the person's budget", person, now)] : [];
  return [...ofBot, ...ofPerson];
}

function limitOf(scope: string, name: string, { credits, period }: Budget, now: Date): Limit {
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), period === "day" ? now.getUTCDate() : 1];
  const end = period === "day" ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1);
  const message = `${name} of ${creditsOf(credits)} credits a ${period} is spent; it begins anew at ${iso(end)}`;
  const isPersonal = scope.startsWith("person:");
  return { scope, since: iso(Date.UTC(year, month, day)).slice(0, 10), amount: credits, message, isPersonal };
}

const iso = (at: number) => new Date(at).toISOString();
