import { and, asc, eq } from "drizzle-orm";
import { projects } from "../db/schema.ts";
import type { AdminCtx, Ctx } from "./context.ts";
import { notFound } from "./errors.ts";
import { createOnce } from "./idempotency.ts";
import { openAccount } from "./billing/balance.ts";
import { afterCursor, pageByCreation, type Page, type PageRequest } from "./pages.ts";

export type Project = typeof projects.$inferSelect;

export async function createProject(
  ctx: AdminCtx,
  input: { name: string; organizationId: string; avatarUrl?: string | null },
): Promise<Project> {
  const project: Project = {
    id: ctx.newId(),
    name: input.name,
    organizationId: input.organizationId,
    avatarUrl: input.avatarUrl ?? null,
    requestsPerMinute: null,
    createdAt: ctx.now(),
  };
  return createOnce(ctx, project, ctx.db.insert(projects).values(project), ...openAccount(ctx, project));
}

/** The administrator sees every project; a key sees its own. */
export async function listProjects(ctx: Ctx | AdminCtx, page: PageRequest): Promise<Page<Project>> {
  const rows = await ctx.db
    .select()
    .from(projects)
    .where(and(ctx.project ? eq(projects.id, ctx.project.id) : undefined, afterCursor(page.cursor, projects)))
    .orderBy(asc(projects.createdAt), asc(projects.id))
    .limit(page.limit + 1);
  return pageByCreation(rows, page.limit);
}

/** Another project is reported to a key exactly like one that does not exist. */
export async function getProject(ctx: Ctx | AdminCtx, id: string): Promise<Project> {
  const visible = !ctx.project || ctx.project.id === id;
  const project = visible && (await ctx.db.query.projects.findFirst({ where: eq(projects.id, id) }));
  if (!project) throw notFound("project", id);
  return project;
}

/** Null lifts the limit. */
export async function setRequestLimit(ctx: AdminCtx, id: string, requestsPerMinute: number | null): Promise<Project> {
  const project = await getProject(ctx, id);
  await ctx.db.update(projects).set({ requestsPerMinute }).where(eq(projects.id, id));
  return { ...project, requestsPerMinute };
}
