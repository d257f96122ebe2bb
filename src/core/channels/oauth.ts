import { and, eq, isNotNull, lt } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { integrations, oauthStates } from "../../db/schema.ts";
import { base64Url, randomHex, sha256, sha256Bytes } from "../../lib/hash.ts";
import { openChannel, openCredentials, ringForSetUp, sealCredentials } from "./channel-access.ts";
import { loseAuth } from "./channel-accounts.ts";
import { ringForIntegration } from "./channel-sends.ts";
import { ChannelFailure, type OAuthTokens } from "./channels.ts";
import type { Ctx } from "../context.ts";
import { DomainError, invalid, notFound } from "../errors.ts";
import { findIntegration, getIntegration, type Integration } from "./integrations.ts";
import type { ChannelPort, JobPort } from "../ports.ts";

const VALID_MS = 10 * 60 * 1000;
/** Access is renewed this long before it ends; one who renews it has as long for that. */
const AHEAD_MS = 10 * 60 * 1000;

const redirectUri = (ctx: Ctx) => `${ctx.publicUrl}/integrations/oauth/callback`;
const placeOf = (hash: string, projectId: string) => `oauth_states/${hash}/${projectId}`;

/** Where to send the person who may allow the access; what they allow comes back to us by itself. */
export async function startOAuth(ctx: Ctx, integrationId: string): Promise<{ url: string }> {
  const integration = await getIntegration(ctx, integrationId);
  const channel = await openChannel(ctx, integration);
  if (!channel?.authorizeUrl) throw new DomainError("invalid", `${integration.vendor} has no OAuth`);
  if (ctx.publicUrl === null) throw new DomainError("invalid", "PUBLIC_URL is not set: the vendor could not come back");
  const [state, verifier] = [randomHex(16), randomHex(32)];
  const challenge = base64Url(await sha256Bytes(verifier));
  const url = channel.authorizeUrl({ state, challenge, redirectUri: redirectUri(ctx) });
  if (url === null) throw invalid("auth_data.client_id", "an OAuth client is needed, here or in the configuration");
  await keepState(ctx, integration, state, verifier);
  return { url };
}

async function keepState(ctx: Ctx, integration: Integration, state: string, verifier: string): Promise<void> {
  const [hash, now] = [await sha256(state), ctx.now().getTime()];
  await ctx.db.batch([
    ctx.db.delete(oauthStates).where(lt(oauthStates.expiresAt, new Date(now))),
    ctx.db.insert(oauthStates).values({
      hash,
      projectId: ctx.project.id,
      integrationId: integration.id,
      verifier: await ctx.sealer.seal(verifier, placeOf(hash, ctx.project.id)),
      expiresAt: new Date(now + VALID_MS),
    }),
  ]);
}

export type OAuthState = typeof oauthStates.$inferSelect;

/** What was begun under this state, taken out: nobody finishes it a second time. Null: nothing, or too long ago. */
export async function takeOAuthState(db: Db, state: string, now: Date): Promise<OAuthState | null> {
  const [taken] = await db
    .delete(oauthStates)
    .where(eq(oauthStates.hash, await sha256(state)))
    .returning();
  return taken && taken.expiresAt > now ? taken : null;
}

/** Takes what the vendor has sent back, and keeps the access that it stands for. */
export async function finishOAuth(ctx: Ctx, begun: OAuthState, query: URLSearchParams): Promise<void> {
  const integration = await findIntegration(ctx, begun.integrationId);
  if (!integration) throw notFound("integration", begun.integrationId);
  const code = query.get("code");
  if (!code) throw new DomainError("forbidden", "the access was not allowed");
  const verifier = await ctx.sealer.open(begun.verifier, placeOf(begun.hash, ctx.project.id));
  const channel = await openChannel(ctx, integration);
  const tokens = await channel!.exchangeCode!({ code, verifier, redirectUri: redirectUri(ctx) }).catch(asDomainError);
  if (await keepTokens(ctx, integration, channel!, tokens)) return;
  throw new DomainError("conflict", "the integration was given other credentials meanwhile");
}

function asDomainError(error: unknown): never {
  if (error instanceof ChannelFailure) throw new DomainError("upstream_failed", error.message);
  throw error;
}

/**
 * The access is good now: what could not be done without it is tried again. False, and nothing happens, where somebody has
 * given other credentials meanwhile.
 */
async function keepTokens(
  ctx: Ctx,
  integration: Integration,
  channel: ChannelPort,
  tokens: OAuthTokens,
): Promise<boolean> {
  const { id } = integration;
  const credentials = { ...(await openCredentials(ctx, integration)), ...tokens.credentials };
  const [kept] = await ctx.db
    .update(integrations)
    .set({
      credentials: await sealCredentials(ctx, id, credentials),
      accessEndsAt: endOf(ctx, tokens),
      ...(integration.status === "error" ? { status: "active" as const } : {}),
      ...(channel.setUp && integration.setUp !== "done" ? { setUp: "due" as const } : {}),
      error: null,
      updatedAt: ctx.now(),
    })
    .where(
      and(
        eq(integrations.id, id),
        eq(integrations.projectId, ctx.project.id),
        eq(integrations.credentials, integration.credentials),
      ),
    )
    .returning({ id: integrations.id });
  if (!kept) return false;
  await ringForSetUp(ctx, id);
  await ringForIntegration(ctx, id);
  return true;
}

const endOf = (ctx: Ctx, { expiresInSeconds }: OAuthTokens) =>
  expiresInSeconds === undefined ? null : new Date(ctx.now().getTime() + expiresInSeconds * 1000);

/** Renews an integration's access. Of several who try, one does: a vendor may take a refresh token only once. */
export async function renewAccess(ctx: Ctx, integrationId: string): Promise<void> {
  const integration = await findIntegration(ctx, integrationId);
  const now = ctx.now().getTime();
  if (!integration?.accessEndsAt || integration.accessEndsAt.getTime() > now + AHEAD_MS) return;
  const channel = await openChannel(ctx, integration);
  const refreshToken = (await openCredentials(ctx, integration))["refresh_token"];
  if (!channel?.refreshTokens || typeof refreshToken !== "string") return dropEnd(ctx, integration);
  if (!(await claim(ctx, integration, now))) return;
  try {
    await keepTokens(ctx, integration, channel, await channel.refreshTokens(refreshToken));
  } catch (error) {
    await failRenewal(ctx, integration, error);
  }
}

async function claim(ctx: Ctx, { id, accessEndsAt }: Integration, now: number): Promise<boolean> {
  const [claimed] = await ctx.db
    .update(integrations)
    .set({ accessEndsAt: new Date(now + AHEAD_MS + 60_000) })
    .where(and(eq(integrations.id, id), eq(integrations.accessEndsAt, accessEndsAt!)))
    .returning({ id: integrations.id });
  return claimed !== undefined;
}

/**
 * A vendor that does not answer is asked again in a minute; one that refuses has taken the access back, unless it is
 * another by now.
 */
async function failRenewal(ctx: Ctx, integration: Integration, error: unknown): Promise<void> {
  if (!(error instanceof ChannelFailure)) throw error;
  if (error.kind === "temporary" || error.kind === "rate_limited") throw error;
  const now = await findIntegration(ctx, integration.id);
  if (now?.credentials !== integration.credentials) return;
  await dropEnd(ctx, integration);
  await loseAuth(ctx, integration, error.message);
}

const dropEnd = async (ctx: Ctx, { id }: Integration) =>
  void (await ctx.db.update(integrations).set({ accessEndsAt: null }).where(eq(integrations.id, id)));

/** Rings for every access that ends soon. */
export async function sweepAccess(db: Db, jobs: JobPort, now: Date): Promise<void> {
  const ending = await db
    .select({ integrationId: integrations.id, projectId: integrations.projectId })
    .from(integrations)
    .where(and(isNotNull(integrations.accessEndsAt), lt(integrations.accessEndsAt, new Date(now.getTime() + AHEAD_MS))))
    .limit(200);
  await Promise.all(ending.map((found) => jobs.ring({ kind: "renew-access", ...found })));
}
