import { and, asc, eq, isNull } from "drizzle-orm";
import { mergePatch } from "../db/client.ts";
import { chats, integrations, type JsonObject } from "../db/schema.ts";
import type { Ctx } from "./context.ts";
import { requireCredentials, type Credentials, type Vendor } from "./credentials.ts";
import { eraseLater } from "./erasure.ts";
import { notFound } from "./errors.ts";
import { createOnce } from "./idempotency.ts";
import { afterCursor, pageByCreation, type Page, type PageRequest } from "./pages.ts";
import { outgrown, requireSmall, staysSmall } from "./settings.ts";

export type Integration = typeof integrations.$inferSelect;

const mine = (ctx: Ctx, id: string) => and(eq(integrations.id, id), eq(integrations.projectId, ctx.project.id));

const sealCredentials = (ctx: Ctx, id: string, credentials: Credentials) =>
  ctx.sealer.seal(JSON.stringify(credentials), `integrations/${id}/${ctx.project.id}`);

/** Checks that the vendor's fields are there; never calls the vendor. */
export async function createIntegration(
  ctx: Ctx,
  input: { name: string; vendor: Vendor; credentials: Credentials; settings?: JsonObject },
): Promise<Integration> {
  requireCredentials(input.vendor, input.credentials);
  requireSmall("auth_data", input.credentials);
  requireSmall("settings", input.settings);
  const [id, now] = [ctx.newId(), ctx.now()];
  const integration: Integration = {
    id,
    projectId: ctx.project.id,
    name: input.name,
    vendor: input.vendor,
    status: "active",
    credentials: await sealCredentials(ctx, id, input.credentials),
    settings: input.settings ?? {},
    createdAt: now,
    updatedAt: now,
  };
  return createOnce(ctx, integration, ctx.db.insert(integrations).values(integration));
}

export async function listIntegrations(ctx: Ctx, page: PageRequest): Promise<Page<Integration>> {
  const rows = await ctx.db
    .select()
    .from(integrations)
    .where(and(eq(integrations.projectId, ctx.project.id), afterCursor(page.cursor, integrations)))
    .orderBy(asc(integrations.createdAt), asc(integrations.id))
    .limit(page.limit + 1);
  return pageByCreation(rows, page.limit);
}

/** Another project's integration is reported exactly like one that does not exist. */
export async function getIntegration(ctx: Ctx, id: string): Promise<Integration> {
  const integration = await ctx.db.query.integrations.findFirst({ where: mine(ctx, id) });
  if (!integration) throw notFound("integration", id);
  return integration;
}

/** New credentials replace the old ones whole; settings are changed by a merge patch. */
export async function updateIntegration(
  ctx: Ctx,
  id: string,
  changes: { name?: string; status?: Integration["status"]; credentials?: Credentials; settings?: JsonObject },
): Promise<Integration> {
  const { vendor } = await getIntegration(ctx, id);
  const { credentials, settings, ...given } = changes;
  if (credentials) requireCredentials(vendor, credentials);
  requireSmall("auth_data", credentials);
  const [changed] = await ctx.db
    .update(integrations)
    .set({
      ...given,
      settings: settings && mergePatch(integrations.settings, settings),
      credentials: credentials && (await sealCredentials(ctx, id, credentials)),
      updatedAt: ctx.now(),
    })
    .where(and(mine(ctx, id), staysSmall(integrations.settings, settings)))
    .returning();
  if (!changed) throw (await getIntegration(ctx, id)) && outgrown("settings");
  return changed;
}

/** Deletes its chats too, and in the background their threads. */
export async function deleteIntegration(ctx: Ctx, id: string): Promise<void> {
  const integration = await getIntegration(ctx, id);
  const [deleted] = await ctx.db.batch([
    ctx.db
      .update(chats)
      .set({ deletedAt: ctx.now() })
      .where(and(eq(chats.integrationId, integration.id), isNull(chats.deletedAt)))
      .returning(),
    ctx.db.delete(integrations).where(eq(integrations.id, integration.id)),
  ]);
  await Promise.all(deleted.map((chat) => eraseLater(ctx, chat.id)));
}
