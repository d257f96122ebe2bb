import type { integrations } from "../../db/schema.ts";
import { randomHex } from "../../lib/hash.ts";
import type { ChannelSecrets } from "./channels.ts";
import type { Ctx } from "../context.ts";
import type { Credentials } from "./credentials.ts";
import type { ChannelPort } from "../ports.ts";

type Integration = typeof integrations.$inferSelect;

const placeOf = (ctx: Ctx, id: string) => `integrations/${id}/${ctx.project.id}`;

export const sealCredentials = (ctx: Ctx, id: string, credentials: Credentials) =>
  ctx.sealer.seal(JSON.stringify(credentials), placeOf(ctx, id));

export const sealSecrets = (ctx: Ctx, id: string, secrets: ChannelSecrets) =>
  ctx.sealer.seal(JSON.stringify(secrets), `${placeOf(ctx, id)}/secrets`);

export const newSecrets = (): ChannelSecrets => ({ webhookSecret: randomHex(32) });

export const openCredentials = async (ctx: Ctx, { id, credentials }: Integration) =>
  JSON.parse(await ctx.sealer.open(credentials, placeOf(ctx, id))) as Credentials;

export const openSecrets = async (ctx: Ctx, { id, secrets }: Integration) =>
  secrets === null
    ? newSecrets()
    : (JSON.parse(await ctx.sealer.open(secrets, `${placeOf(ctx, id)}/secrets`)) as ChannelSecrets);

/** The vendor as this integration may speak to it; null: the vendor has no channel. */
export async function openChannel(ctx: Ctx, integration: Integration): Promise<ChannelPort | null> {
  const [credentials, secrets] = await Promise.all([openCredentials(ctx, integration), openSecrets(ctx, integration)]);
  return ctx.channel(integration.vendor, { credentials, secrets, settings: integration.settings });
}

export const webhookUrl = (ctx: Ctx, id: string) => `${ctx.publicUrl}/integrations/${id}/webhook`;

/** Asks for a set-up, in the background. */
export const ringForSetUp = (ctx: Ctx, integrationId: string) =>
  ctx.jobs.ring({ kind: "set-up-channel", projectId: ctx.project.id, integrationId });

/** Has the vendor forget us, as far as it will; that it does not answer holds up nothing. */
export function tearDownLater(ctx: Ctx, integration: Integration): void {
  if (integration.setUp !== "done") return;
  const tearDown = async () => (await openChannel(ctx, integration))?.tearDown?.(webhookUrl(ctx, integration.id));
  ctx.defer(tearDown().catch((error: unknown) => console.warn("tear-down", error)));
}
