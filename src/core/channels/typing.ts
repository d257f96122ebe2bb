import { openChannel } from "./channel-access.ts";
import type { ChannelAddress } from "./channels.ts";
import type { Ctx } from "../context.ts";
import { findIntegration } from "./integrations.ts";

/** Shows the person that an answer is being written, until the signal. That it does not show is no failure. */
export async function showTyping(
  ctx: Ctx,
  { integrationId, chatKey }: ChannelAddress,
  signal: AbortSignal,
  sleep: (ms: number, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  try {
    const integration = await findIntegration(ctx, integrationId);
    const channel = integration && (await openChannel(ctx, integration));
    const { typingMs } = channel?.capabilities ?? {};
    if (typingMs === undefined) return;
    while (!signal.aborted) {
      await channel?.typing?.(chatKey);
      await sleep(typingMs, signal);
    }
  } catch (error) {
    if (!signal.aborted) console.warn("typing", error);
  }
}
