import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";

const MOST_OPEN = { once: 10_000, recurring: 1000 };
type Kind = keyof typeof MOST_OPEN;

/** What one project may have planned at a time is bounded. */
export async function requireRoom(ctx: Ctx, kind: Kind): Promise<void> {
  if (await hasRoom(ctx, kind)) return;
  throw new DomainError("limit_exceeded", `this project has ${MOST_OPEN[kind]} open schedules of this kind`);
}

export async function hasRoom(ctx: Ctx, kind: Kind): Promise<boolean> {
  const row = await ctx.db.$client
    .prepare(
      `select count(*) as open from schedules
       where status in ('pending', 'paused') and project_id = ? and cron is ${kind === "once" ? "null" : "not null"}`,
    )
    .bind(ctx.project.id)
    .first<{ open: number }>();
  return row!.open < MOST_OPEN[kind];
}
