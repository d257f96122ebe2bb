import { and, asc, eq, sql } from "drizzle-orm";
import { inBatch } from "../../db/client.ts";
import { webhookAttempts, webhookDeliveries, webhookEndpoints } from "../../db/schema.ts";
import type { Ctx } from "../context.ts";
import { DomainError, notFound } from "../errors.ts";
import { createOnce } from "../idempotency.ts";
import { requireOutboundUrl } from "../outbound.ts";
import { afterCursor, pageByCreation, type Page, type PageRequest } from "../pages.ts";

/** Whoever a project wants to be told of its events. */
export type WebhookEndpoint = typeof webhookEndpoints.$inferSelect;

const MOST_ENDPOINTS = 50;
/** Receivers that verify with the secret before the last change are understood for as long. */
const OLD_SECRET_MS = 24 * 60 * 60 * 1000;

const mine = (ctx: Ctx, id: string) => and(eq(webhookEndpoints.id, id), eq(webhookEndpoints.projectId, ctx.project.id));

export const secretPlace = (ctx: Ctx, id: string) => `webhook_endpoints/${id}/${ctx.project.id}`;

export async function createWebhookEndpoint(
  ctx: Ctx,
  input: { url: string; secret: string },
): Promise<WebhookEndpoint> {
  requireOutboundUrl(ctx, "url", input.url);
  await requireRoom(ctx);
  const [id, now] = [ctx.newId(), ctx.now()];
  const endpoint: WebhookEndpoint = {
    id,
    projectId: ctx.project.id,
    url: input.url,
    status: "active",
    disabledReason: null,
    secret: await ctx.sealer.seal(input.secret, secretPlace(ctx, id)),
    previousSecret: null,
    previousSecretUntil: null,
    failingSince: null,
    createdAt: now,
    updatedAt: now,
  };
  return createOnce(ctx, endpoint, ctx.db.insert(webhookEndpoints).values(endpoint));
}

async function requireRoom(ctx: Ctx): Promise<void> {
  const count = await ctx.db.$count(webhookEndpoints, eq(webhookEndpoints.projectId, ctx.project.id));
  if (count >= MOST_ENDPOINTS) throw new DomainError("conflict", `a project has at most ${MOST_ENDPOINTS} endpoints`);
}

export async function listWebhookEndpoints(ctx: Ctx, page: PageRequest): Promise<Page<WebhookEndpoint>> {
  const rows = await ctx.db
    .select()
    .from(webhookEndpoints)
    .where(and(eq(webhookEndpoints.projectId, ctx.project.id), afterCursor(page.cursor, webhookEndpoints)))
    .orderBy(asc(webhookEndpoints.createdAt), asc(webhookEndpoints.id))
    .limit(page.limit + 1);
  return pageByCreation(rows, page.limit);
}

/** Another project's endpoint is reported exactly like one that does not exist. */
export async function getWebhookEndpoint(ctx: Ctx, id: string): Promise<WebhookEndpoint> {
  const endpoint = await ctx.db.query.webhookEndpoints.findFirst({ where: mine(ctx, id) });
  if (!endpoint) throw notFound("webhook endpoint", id);
  return endpoint;
}

/** One that is disabled forgets what it was still owed; made active again it hears what happens from then on. */
export async function updateWebhookEndpoint(
  ctx: Ctx,
  id: string,
  changes: { url?: string | undefined; status?: "active" | "disabled" | undefined; secret?: string | undefined },
): Promise<WebhookEndpoint> {
  const { url, status, secret } = changes;
  if (url !== undefined) requireOutboundUrl(ctx, "url", url);
  const [[changed]] = await ctx.db.batch([
    ctx.db
      .update(webhookEndpoints)
      .set({
        url,
        status,
        ...(status && { disabledReason: null, failingSince: null }),
        ...(await secretChange(ctx, id, secret)),
        updatedAt: ctx.now(),
      })
      .where(mine(ctx, id))
      .returning(),
    ...(status === "disabled" ? [dropDeliveries(ctx, id)] : []),
  ]);
  if (!changed) throw notFound("webhook endpoint", id);
  return changed;
}

/** A secret that is given again is no new one: the one before it is understood for as long as it was. */
async function secretChange(ctx: Ctx, id: string, secret: string | undefined) {
  if (secret === undefined) return {};
  const before = await getWebhookEndpoint(ctx, id);
  if (secret === (await ctx.sealer.open(before.secret, secretPlace(ctx, id)))) return {};
  return {
    secret: await ctx.sealer.seal(secret, secretPlace(ctx, id)),
    previousSecret: sql`secret`,
    previousSecretUntil: new Date(ctx.now().getTime() + OLD_SECRET_MS),
  };
}

/** Gives up what a disabled endpoint was owed; it stays in the list, from where it can be sent again. */
export const dropDeliveries = (ctx: Ctx, endpointId: string) =>
  inBatch(
    ctx.db,
    sql`
    update webhook_deliveries set status = 'dropped'
    where endpoint_id = ${endpointId} and project_id = ${ctx.project.id} and status in ('pending', 'sending')
      and exists (select 1 from webhook_endpoints where id = ${endpointId} and status = 'disabled')`,
  );

/** Deletes also what it was owed and what it was sent. */
export async function deleteWebhookEndpoint(ctx: Ctx, id: string): Promise<void> {
  const [deleted] = await ctx.db.batch([
    ctx.db.delete(webhookEndpoints).where(mine(ctx, id)).returning({ id: webhookEndpoints.id }),
    ctx.db
      .delete(webhookDeliveries)
      .where(and(eq(webhookDeliveries.endpointId, id), eq(webhookDeliveries.projectId, ctx.project.id))),
    ctx.db
      .delete(webhookAttempts)
      .where(and(eq(webhookAttempts.endpointId, id), eq(webhookAttempts.projectId, ctx.project.id))),
  ]);
  if (deleted.length === 0) throw notFound("webhook endpoint", id);
}
