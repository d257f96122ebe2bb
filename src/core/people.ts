import { and, eq, sql } from "drizzle-orm";
import { people } from "../db/schema.ts";
import type { Ctx } from "./context.ts";

export type Person = typeof people.$inferSelect;

/** Who writes, as the channel knows them. The same external id through one integration is the same person. */
export async function rememberPerson(
  ctx: Ctx,
  integrationId: string,
  input: { externalId: string; name?: string | null; avatarUrl?: string | null },
): Promise<Person> {
  const [person] = await ctx.db
    .insert(people)
    .values({
      id: ctx.newId(),
      projectId: ctx.project.id,
      integrationId,
      externalId: input.externalId,
      name: input.name ?? null,
      avatarUrl: input.avatarUrl ?? null,
      createdAt: ctx.now(),
    })
    .onConflictDoUpdate({
      target: [people.integrationId, people.externalId],
      set: {
        name: sql`coalesce(excluded.name, ${people.name})`,
        avatarUrl: sql`coalesce(excluded.avatar_url, ${people.avatarUrl})`,
      },
    })
    .returning();
  return person!;
}

export const getPerson = (ctx: Ctx, id: string): Promise<Person | undefined> =>
  ctx.db.query.people.findFirst({ where: and(eq(people.id, id), eq(people.projectId, ctx.project.id)) });
