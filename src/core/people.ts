import { and, eq, sql } from "drizzle-orm";
import { people, threads } from "../db/schema.ts";
import type { Ctx } from "./context.ts";

export type Person = typeof people.$inferSelect;

/**
 * Who writes, as the channel knows them. The same external id through one integration is the same person. Null, and nothing
 * is written, where the thread that they write to is another chat's.
 */
export async function rememberPerson(
  ctx: Ctx,
  integrationId: string,
  input: { externalId: string; name?: string | null; avatarUrl?: string | null },
  thread: { id: string; chatId: string },
): Promise<Person | null> {
  const { externalId, name = null, avatarUrl = null } = input;
  const [person] = await ctx.db
    .insert(people)
    .select(
      sql`select ${ctx.newId()}, ${ctx.project.id}, ${integrationId}, ${externalId}, ${name}, ${avatarUrl},
        ${ctx.now().getTime()} where not exists (select 1 from ${threads} where ${threads.projectId} = ${ctx.project.id}
        and ${threads.id} = ${thread.id} and ${threads.chatId} <> ${thread.chatId})`,
    )
    .onConflictDoUpdate({
      target: [people.integrationId, people.externalId],
      set: {
        name: sql`coalesce(excluded.name, ${people.name})`,
        avatarUrl: sql`coalesce(excluded.avatar_url, ${people.avatarUrl})`,
      },
    })
    .returning();
  return person ?? null;
}

export const getPerson = (ctx: Ctx, id: string): Promise<Person | undefined> =>
  ctx.db.query.people.findFirst({ where: and(eq(people.id, id), eq(people.projectId, ctx.project.id)) });
