import { and, eq, lt, sql, type SQL } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { integrations } from "../../db/schema.ts";
import { openCredentials, openSecrets, sealSecrets, webhookUrl } from "./channel-access.ts";
import { loseAuth } from "./channel-accounts.ts";
import { ChannelFailure, type ChannelSecrets } from "./channels.ts";
import type { Ctx } from "../context.ts";
import { findIntegration, type Integration } from "./integrations.ts";
import type { JobPort } from "../ports.ts";

/** Has the vendor call us. A vendor that cannot be reached is asked again; one that refuses is not. */
export async function setUpChannel(ctx: Ctx, id: string): Promise<void> {
  const integration = await findIntegration(ctx, id);
  if (integration?.setUp !== "due" || ctx.publicUrl === null) return;
  const secrets = await openSecrets(ctx, integration);
  const credentials = await openCredentials(ctx, integration);
  const channel = ctx.channel(integration.vendor, { credentials, secrets });
  try {
    const made = (await channel?.setUp?.(webhookUrl(ctx, id))) ?? {};
    await recordSetUp(ctx, integration, { setUp: "done", error: KNOWN_ERROR }, { ...secrets, ...made });
  } catch (error) {
    if (!(error instanceof ChannelFailure)) throw error;
    if (error.kind === "temporary" || error.kind === "rate_limited") throw error;
    // What is yet to be allowed is not lost: it is set up when it is.
    const isAwaited = channel?.authorizeUrl && !ACCESS.some((name) => typeof credentials[name] === "string");
    if (error.kind === "auth_lost" && !isAwaited) await loseAuth(ctx, integration, error.message);
    await recordSetUp(ctx, integration, { setUp: "failed", error: error.message }, secrets);
  }
}

/** One of these is what a vendor with OAuth knows us by, however it came. */
const ACCESS = ["access_token", "token", "webhook_url", "private_key"];

/** What somebody else has found out about the credentials meanwhile stays known. */
const KNOWN_ERROR = sql`case when ${integrations.status} = 'error' then ${integrations.error} end`;

/** Not over what was changed meanwhile: new credentials are set up anew. */
const recordSetUp = async (
  ctx: Ctx,
  { id, credentials }: Integration,
  outcome: { setUp: Integration["setUp"]; error: string | SQL },
  secrets: ChannelSecrets,
) =>
  ctx.db
    .update(integrations)
    .set({ ...outcome, secrets: await sealSecrets(ctx, id, secrets) })
    .where(and(eq(integrations.id, id), eq(integrations.credentials, credentials)))
    .run();

const PATIENCE_MS = 60_000;

/** Rings for every set-up whose bell may have been lost. */
export async function sweepSetUps(db: Db, jobs: JobPort, now: Date): Promise<void> {
  const waiting = await db
    .select({ integrationId: integrations.id, projectId: integrations.projectId })
    .from(integrations)
    .where(and(eq(integrations.setUp, sql`'due'`), lt(integrations.updatedAt, new Date(now.getTime() - PATIENCE_MS))))
    .limit(100);
  await Promise.all(waiting.map((found) => jobs.ring({ kind: "set-up-channel", ...found })));
}
