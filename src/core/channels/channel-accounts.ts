import { and, eq, ne, sql } from "drizzle-orm";
import { integrations } from "../../db/schema.ts";
import { openChannel } from "./channel-access.ts";
import { ringForIntegration } from "./channel-sends.ts";
import { ChannelFailure, type Profile } from "./channels.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { getIntegration, type Integration } from "./integrations.ts";
import { ringTold, webhookInsertIf } from "../webhooks/webhooks.ts";

/** Whom the stored credentials stand for, asked of the vendor now. */
export async function getProfile(ctx: Ctx, id: string): Promise<Profile> {
  const integration = await getIntegration(ctx, id);
  const channel = await openChannel(ctx, integration);
  if (!channel) return { id: integration.id, name: integration.name };
  try {
    const profile = await channel.profile();
    await regainAuth(ctx, integration);
    return profile;
  } catch (error) {
    if (!(error instanceof ChannelFailure)) throw error;
    if (error.kind === "auth_lost") await loseAuth(ctx, integration, error.message);
    throw profileError(error);
  }
}

function profileError({ kind, message, retryAfterSeconds }: ChannelFailure): DomainError {
  if (kind === "auth_lost") return new DomainError("invalid", message, { issues: [{ path: "auth_data", message }] });
  if (kind === "rate_limited") return new DomainError("unavailable", message, { retryAfterSeconds });
  return new DomainError("upstream_failed", message);
}

/** The vendor does not accept the credentials any more: told once, until they are accepted again. */
export async function loseAuth(ctx: Ctx, integration: Integration, error: string): Promise<void> {
  const told = { type: "integration.auth_lost" as const, data: { integration_id: integration.id } };
  const isActive = sql`(select status from integrations where id = ${integration.id}) <> 'error'`;
  const [heard, [lost]] = await ctx.db.batch([
    webhookInsertIf(ctx, isActive, told),
    ctx.db
      .update(integrations)
      .set({ status: "error", error, updatedAt: ctx.now() })
      .where(and(eq(integrations.id, integration.id), ne(integrations.status, "error")))
      .returning({ id: integrations.id }),
  ]);
  if (!lost) return;
  ringTold(ctx, heard);
  const from = { source: `integrations/${integration.id}/auth-lost`, seq: ctx.now().getTime() };
  const event = { threadId: null, type: "integration-auth-lost" as const, integrationId: integration.id };
  await ctx.feed
    .publish([{ ...from, events: [event] }])
    .catch((failure: unknown) => console.error("auth lost", failure));
}

/** What failed for want of credentials may be tried again. */
async function regainAuth(ctx: Ctx, integration: Integration): Promise<void> {
  if (integration.status !== "error") return;
  await ctx.db
    .update(integrations)
    .set({ status: "active", error: null, updatedAt: ctx.now() })
    .where(and(eq(integrations.id, integration.id), eq(integrations.status, "error")));
  await ringForIntegration(ctx, integration.id);
}
