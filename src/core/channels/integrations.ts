import { and, asc, eq, isNull, sql } from "drizzle-orm";
import { mergePatch, type Db } from "../../db/client.ts";
import { chats, inboundEvents, integrations, people, type JsonObject } from "../../db/schema.ts";
import type { Ctx } from "../context.ts";
import { requireCredentials, type Credentials, type Vendor } from "./credentials.ts";
import { eraseLater } from "../erasure.ts";
import { notFound } from "../errors.ts";
import { createOnce } from "../idempotency.ts";
import { newSecrets, ringForSetUp, sealCredentials, sealSecrets, tearDownLater } from "./channel-access.ts";
import { ringForIntegration } from "./channel-sends.ts";
import { afterCursor, pageByCreation, type Page, type PageRequest } from "../pages.ts";
import { outgrown, requireSmall, staysSmall } from "../settings.ts";

export type Integration = typeof integrations.$inferSelect;

const mine = (ctx: Ctx, id: string) => and(eq(integrations.id, id), eq(integrations.projectId, ctx.project.id));

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
    secrets: await sealSecrets(ctx, id, newSecrets()),
    setUp: setUpOf(ctx, input.vendor, input.credentials),
    error: null,
    accessEndsAt: null,
    createdAt: now,
    updatedAt: now,
  };
  const created = await createOnce(ctx, integration, ctx.db.insert(integrations).values(integration));
  if (created.setUp === "due") await ringForSetUp(ctx, id);
  return created;
}

/** The vendor is told where we are, once we know it ourselves. */
function setUpOf(ctx: Ctx, vendor: Vendor, credentials: Credentials): "due" | "none" {
  const channel = ctx.channel(vendor, { credentials, secrets: newSecrets() });
  return channel?.setUp && ctx.publicUrl !== null ? "due" : "none";
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

export const findIntegration = async (ctx: Ctx, id: string): Promise<Integration | null> =>
  (await ctx.db.query.integrations.findFirst({ where: mine(ctx, id) })) ?? null;

/** Another project's integration is reported exactly like one that does not exist. */
export async function getIntegration(ctx: Ctx, id: string): Promise<Integration> {
  const integration = await findIntegration(ctx, id);
  if (!integration) throw notFound("integration", id);
  return integration;
}

/**
 * New credentials replace the old ones whole, and are taken to be good until the vendor says otherwise; settings are
 * changed by a merge patch.
 */
export async function updateIntegration(
  ctx: Ctx,
  id: string,
  changes: { name?: string; status?: Integration["status"]; credentials?: Credentials; settings?: JsonObject },
): Promise<Integration> {
  const before = await getIntegration(ctx, id);
  const { credentials, settings, ...given } = changes;
  if (credentials) requireCredentials(before.vendor, credentials);
  requireSmall("auth_data", credentials);
  const [changed] = await ctx.db
    .update(integrations)
    .set({
      ...(credentials && {
        status: ACTIVE_AGAIN,
        error: null,
        accessEndsAt: null,
        setUp: setUpOf(ctx, before.vendor, credentials),
      }),
      ...(given.status === "active" && { error: FORGOTTEN_ERROR }),
      ...given,
      settings: settings && mergePatch(integrations.settings, settings),
      credentials: credentials && (await sealCredentials(ctx, id, credentials)),
      updatedAt: ctx.now(),
    })
    .where(and(mine(ctx, id), staysSmall(integrations.settings, settings)))
    .returning();
  if (!changed) throw (await getIntegration(ctx, id)) && outgrown("settings");
  if (credentials) await renew(ctx, before, changed);
  return changed;
}

/** What was switched off stays off. */
const ACTIVE_AGAIN = sql`case when ${integrations.status} = 'error' then 'active' else ${integrations.status} end`;

/** Of one that is tried again it is not known any more that the vendor refuses it. */
const FORGOTTEN_ERROR = sql`case when ${integrations.status} <> 'error' then ${integrations.error} end`;

/** The vendor is told anew where we are, and what could not be sent is tried again. */
async function renew(ctx: Ctx, before: Integration, after: Integration): Promise<void> {
  tearDownLater(ctx, before);
  if (after.setUp === "due") await ringForSetUp(ctx, after.id);
  await ringForIntegration(ctx, after.id);
}

/** Deletes its chats too, with the people who wrote through it, and in the background their threads. */
export async function deleteIntegration(ctx: Ctx, id: string): Promise<void> {
  const integration = await getIntegration(ctx, id);
  const [deleted] = await ctx.db.batch([
    ctx.db
      .update(chats)
      .set({ deletedAt: ctx.now() })
      .where(and(eq(chats.integrationId, integration.id), isNull(chats.deletedAt)))
      .returning(),
    ctx.db.delete(inboundEvents).where(eq(inboundEvents.integrationId, integration.id)),
    ctx.db.delete(people).where(eq(people.integrationId, integration.id)),
    ctx.db.delete(integrations).where(eq(integrations.id, integration.id)),
  ]);
  tearDownLater(ctx, integration);
  await Promise.all(deleted.map((chat) => eraseLater(ctx, chat.id)));
}

/** Whose an integration is, for a call that its vendor makes; null: nobody's. */
export async function projectOfIntegration(db: Db, id: string): Promise<string | null> {
  const found = await db.query.integrations.findFirst({ where: eq(integrations.id, id), columns: { projectId: true } });
  return found?.projectId ?? null;
}
