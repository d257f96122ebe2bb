import { and, desc, eq, gte, lt } from "drizzle-orm";
import { modelCalls } from "../../db/schema.ts";
import type { Ctx } from "../context.ts";
import { invalid } from "../errors.ts";
import { afterCursor, pageByCreation, pageOf, readPosition, type Page, type PageRequest } from "../pages.ts";

export type RecordedCall = typeof modelCalls.$inferSelect;

/** `key`: the day, or the id of the bot or person. */
export type UsageSum = { key: string; calls: number; inputTokens: number; outputTokens: number; cost: number };

export type UsageRequest = PageRequest & {
  group: "day" | "bot" | "person";
  /** Days as `2026-11-25`, both included. */
  from: string;
  to: string;
  botId?: string | undefined;
  personId?: string | undefined;
};

/** What was used, by the day (newest first), by the bot or by the person. */
export async function listUsage(ctx: Ctx, request: UsageRequest): Promise<Page<UsageSum>> {
  const { group, from, to, limit, cursor } = request;
  const key = group === "day" ? "day" : "scope";
  const [first, last] = scopesOf(request);
  const [beyond, order] = group === "day" ? ["<", "desc"] : [">", "asc"];
  const after = cursor ? readPosition(cursor).id : null;
  const { results } = await ctx.db.$client
    .prepare(
      `select ${key} as key, sum(calls) as calls, sum(input_tokens) as inputTokens, sum(output_tokens) as outputTokens,
         sum(cost) as cost
       from usage_days
       where project_id = ?1 and scope >= ?2 and scope <= ?3 and day between ?4 and ?5 and (?6 is null or ${key} ${beyond} ?6)
       group by ${key} order by ${key} ${order} limit ?7`,
    )
    .bind(ctx.project.id, first, last, from, to, after, limit + 1)
    .all<UsageSum>();
  const { items, next } = pageOf(results, limit, (row) => ({ at: 0, id: row.key }));
  return { items: items.map((row) => ({ ...row, key: row.key.replace(/^(bot|person):/, "") })), next };
}

/** The first and the last scope that are meant. Each call is counted once for its bot, or for none: together they are the project. */
function scopesOf({ group, botId, personId }: UsageRequest): [string, string] {
  if (botId !== undefined && personId !== undefined) throw invalid("person_id", "name a bot or a person, not both");
  if (botId !== undefined) return one("bot_id", group !== "person", `bot:${botId}`);
  if (personId !== undefined) return one("person_id", group !== "bot", `person:${personId}`);
  return group === "person" ? ["person:", "person:~"] : ["bot:", "bot:~"];
}

function one(field: string, isCounted: boolean, scope: string): [string, string] {
  if (!isCounted) throw invalid(field, "is not counted in these groups");
  return [scope, scope];
}

type CallsRequest = PageRequest & { messageId?: string | undefined; from?: Date | undefined; to?: Date | undefined };

/** Every model call, newest first; of one message where it is named. */
export async function listModelCalls(
  ctx: Ctx,
  { limit, cursor, ...filter }: CallsRequest,
): Promise<Page<RecordedCall>> {
  const rows = await ctx.db
    .select()
    .from(modelCalls)
    .where(
      and(
        eq(modelCalls.projectId, ctx.project.id),
        filter.messageId === undefined ? undefined : eq(modelCalls.messageId, filter.messageId),
        filter.from && gte(modelCalls.createdAt, filter.from),
        filter.to && lt(modelCalls.createdAt, filter.to),
        afterCursor(cursor, modelCalls, "newest first"),
      ),
    )
    .orderBy(desc(modelCalls.createdAt), desc(modelCalls.id))
    .limit(limit + 1);
  return pageByCreation(rows, limit);
}
