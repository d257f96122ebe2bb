import { and, eq, exists, inArray, isNull, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { chats, integrations } from "../../db/schema.ts";
import { openChannel, openSecrets, sealSecrets } from "./channel-access.ts";
import { loseAuth } from "./channel-accounts.ts";
import { ChannelFailure, type Collected } from "./channels.ts";
import type { Ctx } from "../context.ts";
import type { Vendor } from "./credentials.ts";
import { storeIncoming } from "./inbound.ts";
import { findIntegration, type Integration } from "./integrations.ts";
import type { JobPort } from "../ports.ts";

/** Whose channels have `collect`. */
const COLLECTED: Vendor[] = ["google"];

/** Fetches what has come in at a vendor that does not bring it. What fails is tried again with the next minute. */
export async function collectMessages(ctx: Ctx, integrationId: string): Promise<void> {
  const integration = await findIntegration(ctx, integrationId);
  if (integration?.status !== "active" || integration.setUp !== "done") return;
  const channel = await openChannel(ctx, integration);
  if (!channel?.collect) return;
  try {
    const collected = await channel.collect();
    await storeIncoming(ctx, integration.id, collected.incoming);
    await remember(ctx, integration, collected);
  } catch (error) {
    if (!(error instanceof ChannelFailure)) throw error;
    if (error.kind === "auth_lost") await loseAuth(ctx, integration, error.message);
    else console.warn("collect", error.message);
  }
}

/** Not over what somebody else has remembered meanwhile: what is fetched twice is stored once. */
async function remember(ctx: Ctx, integration: Integration, { secrets }: Collected): Promise<void> {
  if (Object.keys(secrets).length === 0) return;
  const before = await openSecrets(ctx, integration);
  if (Object.entries(secrets).every(([name, value]) => before[name] === value)) return;
  await ctx.db
    .update(integrations)
    .set({ secrets: await sealSecrets(ctx, integration.id, { ...before, ...secrets }) })
    .where(and(eq(integrations.id, integration.id), eq(integrations.secrets, integration.secrets!)));
}

/** Rings for every integration that is written to through a chat and has to be asked. */
export async function sweepCollections(db: Db, jobs: JobPort): Promise<void> {
  const found = await db
    .select({ integrationId: integrations.id, projectId: integrations.projectId })
    .from(integrations)
    .where(
      and(
        inArray(integrations.vendor, COLLECTED),
        eq(integrations.status, sql`'active'`),
        eq(integrations.setUp, sql`'done'`),
        exists(
          db
            .select({ id: chats.id })
            .from(chats)
            .where(and(eq(chats.integrationId, integrations.id), isNull(chats.deletedAt))),
        ),
      ),
    )
    .limit(1000);
  await Promise.all(found.map((place) => jobs.ring({ kind: "collect-messages", ...place })));
}
