import { openChannel } from "./channel-access.ts";
import { loseAuth } from "./channel-accounts.ts";
import { claimSend, endSend, postponeSend, recordPieces, ringForSends, type Send } from "./channel-sends.ts";
import { ChannelFailure, type Outgoing } from "./channels.ts";
import type { Ctx } from "../context.ts";
import { conversationOf, setReachable } from "./conversations.ts";
import { DomainError } from "../errors.ts";
import { findIntegration, type Integration } from "./integrations.ts";
import type { Delivery } from "../messages.ts";
import type { ChannelPort } from "../ports.ts";

const GIVEN_UP_AFTER_MS = 24 * 60 * 60 * 1000;
const LONGEST_PAUSE_SECONDS = 300;

/** Sends what a thread has for its vendor, in order, until nothing is left or something has to wait. */
export async function sendMessages(ctx: Ctx, threadId: string): Promise<void> {
  for (let send = await claimSend(ctx, threadId); send; send = await claimSend(ctx, threadId)) {
    if (!(await handle(ctx, send))) return;
  }
}

/** False: it waits, and all behind it wait too. */
async function handle(ctx: Ctx, send: Send): Promise<boolean> {
  const integration = await findIntegration(ctx, send.integrationId);
  const channel = integration && (await openChannel(ctx, integration));
  if (!integration || !channel) return end(ctx, send, { status: "cancelled", error: "the integration is gone" });
  if (integration.status === "disabled")
    return end(ctx, send, { status: "failed", error: "the integration is disabled" });
  if (channel.speak) return holdForCall(ctx, send);
  if (await isFenced(ctx, send)) return end(ctx, send, { status: "cancelled", error: "an operator has taken over" });
  if (await isTooLate(ctx, send, channel)) return end(ctx, send, { status: "failed", error: TOO_LATE });
  try {
    await sendPieces(ctx, send, channel);
    return await end(ctx, send, { status: "sent", error: null });
  } catch (error) {
    if (error instanceof Fenced) return end(ctx, send, { status: "cancelled", error: "an operator has taken over" });
    return fail(ctx, send, integration, asFailure(error));
  }
}

/** What a person hears in the answer to their own call waits for that, a day long. */
async function holdForCall(ctx: Ctx, send: Send): Promise<boolean> {
  if (ageMs(ctx, send) >= GIVEN_UP_AFTER_MS)
    return end(ctx, send, { status: "failed", error: "nobody came to hear it" });
  await postponeSend(ctx, send, new Date(send.createdAt.getTime() + GIVEN_UP_AFTER_MS), null);
  return false;
}

const TOO_LATE = "the time in which the vendor allows an answer is over";

async function isTooLate(ctx: Ctx, { threadId }: Send, { capabilities }: ChannelPort): Promise<boolean> {
  if (capabilities.replyWindowMs === undefined) return false;
  const { canReplyUntil = null } = (await conversationOf(ctx, threadId)) ?? {};
  return canReplyUntil !== null && canReplyUntil < ctx.now();
}

class Fenced extends Error {}

/** A bot's words of before a change of mode are not said any more. The thread itself is asked: it is never behind. */
export async function isFenced(ctx: Ctx, send: Send): Promise<boolean> {
  if (send.author !== "bot") return false;
  try {
    const { epoch } = await ctx.thread(send.threadId).get();
    return epoch !== send.epoch;
  } catch (error) {
    if (error instanceof DomainError && error.code === "not_found") return true;
    throw error;
  }
}

async function sendPieces(ctx: Ctx, send: Send, channel: ChannelPort): Promise<void> {
  const pieces = channel.compose(JSON.parse(send.body) as Outgoing);
  for (let index = send.sentPieces; index < pieces.length; index++) {
    if (index > send.sentPieces && (await isFenced(ctx, send))) throw new Fenced();
    await channel.send(send.chatKey, pieces[index]!, `${send.id}/${index}`);
    if (index + 1 < pieces.length) await recordPieces(ctx, send, index + 1);
  }
}

function asFailure(error: unknown): ChannelFailure {
  if (error instanceof ChannelFailure) return error;
  console.error("send", error);
  return new ChannelFailure("temporary", "the message could not be sent");
}

async function fail(ctx: Ctx, send: Send, integration: Integration, failure: ChannelFailure): Promise<boolean> {
  const { kind, message: error } = failure;
  if (kind === "unreachable") await setReachable(ctx, send, false);
  if (kind === "auth_lost") await loseAuth(ctx, integration, error);
  const isOver = kind === "unreachable" || kind === "refused" || ageMs(ctx, send) > GIVEN_UP_AFTER_MS;
  if (isOver) return end(ctx, send, { status: "failed", error });
  const seconds = Math.ceil(failure.retryAfterSeconds ?? pauseSeconds(send, kind));
  await postponeSend(ctx, send, new Date(ctx.now().getTime() + seconds * 1000), error);
  await ringForSends(ctx, send.threadId, 1, seconds);
  await tell(ctx, send, { status: "waiting", error });
  return false;
}

const ageMs = (ctx: Ctx, { createdAt }: Send) => ctx.now().getTime() - createdAt.getTime();

/** What waits for new credentials is rung for when they come. */
const pauseSeconds = ({ attempts }: Send, kind: ChannelFailure["kind"]) =>
  kind === "auth_lost" ? LONGEST_PAUSE_SECONDS : Math.min(2 ** attempts, LONGEST_PAUSE_SECONDS);

export async function end(
  ctx: Ctx,
  send: Send,
  delivery: Delivery & { status: "sent" | "failed" | "cancelled" },
): Promise<true> {
  await endSend(ctx, send, delivery.status, delivery.error);
  await tell(ctx, send, delivery);
  return true;
}

/** The message shows how far it has come; that its thread cannot be told holds up nothing. */
export const tell = (ctx: Ctx, { threadId, messageId }: Send, delivery: Delivery) =>
  ctx
    .thread(threadId)
    .setDelivery(messageId, delivery)
    .catch((error: unknown) => console.warn("delivery", error));
