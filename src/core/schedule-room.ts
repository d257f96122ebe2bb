import type { Ctx } from "./context.ts";
import { DomainError } from "./errors.ts";

const MOST_OPEN = { once: 10_000, recurring: 1000 };

/** What one project may have planned at a time is bounded. */
export async function requireRoom(ctx: Ctx, kind: keyof typeof MOST_OPEN): Promise<void> {
  const most = MOST_OPEN[kind];
  const row = await ctx.db.$client
    .prepare(
      `select count(*) as open from schedules
       where status in ('pending', 'paused') and project_id = ? and cron is ${kind === "once" ? "null" : "not null"}`,
    )
    .bind(ctx.project.id)
    .first<{ open: number }>();
  if (row!.open >= most)
    throw new DomainError("limit_exceeded", `this project has ${most} open schedules of this kind`);
}
