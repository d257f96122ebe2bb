import { waitAtMost } from "../../lib/time.ts";
import { listWaitingSends, recordSaid, type Send } from "./channel-sends.ts";
import type { Caller, Outgoing, Standing, VendorMessage, WebhookAnswer, WebhookCall } from "./channels.ts";
import type { Ctx } from "../context.ts";
import { findConversation } from "./conversations.ts";
import { end, isFenced, tell } from "./delivery.ts";
import type { ChannelPort } from "../ports.ts";

type Call = { channel: ChannelPort; integrationId: string; caller: Caller; call: WebhookCall };

const MOST_AT_ONCE = 20;

/**
 * Answers a call whose person hears us in no other way: takes what they said, waits for the bot as long as the vendor does,
 * and says what there is. What comes later is said in the answer to their next call.
 */
export async function answerCall(ctx: Ctx, from: Call, take: () => Promise<void>): Promise<WebhookAnswer> {
  const deadline = ctx.now().getTime() + (from.channel.capabilities.answerWithinMs ?? 0);
  if (!from.caller.isReminder || !(await isOwed(ctx, from))) await finishLater(ctx, deadline, take());
  const conversation = await findConversation(ctx, placeOf(from));
  if (!conversation) return from.channel.speak!(from.call, [], "failed").answer;
  const standing = await waitForBot(ctx, conversation.threadId, deadline);
  return say(ctx, from, conversation.threadId, standing);
}

const placeOf = ({ integrationId, caller }: Call) => ({ integrationId, chatKey: caller.chatKey });

/** Something is waiting to be said, or is being written. */
async function isOwed(ctx: Ctx, from: Call): Promise<boolean> {
  const conversation = await findConversation(ctx, placeOf(from));
  if (!conversation) return false;
  const { threadId } = conversation;
  if ((await listWaitingSends(ctx, threadId, 1)).length > 0) return true;
  const running = await ctx
    .thread(threadId)
    .resume(null, ["finish"])
    .catch(() => null);
  await running?.events.cancel();
  return running !== null;
}

/** What takes longer than the vendor waits goes on without it. */
async function finishLater(ctx: Ctx, deadline: number, work: Promise<void>): Promise<void> {
  let failure: unknown = null;
  const done = work.catch((error: unknown) => (failure = error));
  ctx.defer(done);
  await waitAtMost(Math.max(deadline - ctx.now().getTime(), 0), done);
  if (failure) throw failure;
}

async function waitForBot(ctx: Ctx, threadId: string, deadline: number): Promise<Standing> {
  const thread = ctx.thread(threadId);
  for (;;) {
    const running = await thread.resume(null, ["finish", "error"]).catch(() => null);
    if (!running) break;
    const hasEnded = await readToEnd(running.events, Math.max(deadline - ctx.now().getTime(), 0));
    if (!hasEnded) return "working";
  }
  const state = await thread.get().catch(() => null);
  if (!state || state.pendingCount === 0) return "answered";
  return state.mode === "auto" ? "failed" : "taken";
}

/** False: the time is over before the events are. */
async function readToEnd(events: ReadableStream<Uint8Array>, ms: number): Promise<boolean> {
  const reader = events.getReader();
  let hasEnded = false;
  const reading = async () => {
    while (!(await reader.read()).done);
    hasEnded = true;
  };
  await waitAtMost(ms, reading());
  if (!hasEnded) await reader.cancel().catch(() => undefined);
  return hasEnded;
}

type Piece = { send: Send; message: VendorMessage };

/** Of two calls at one time, only one says it. */
async function say(ctx: Ctx, from: Call, threadId: string, standing: Standing): Promise<WebhookAnswer> {
  for (;;) {
    const pieces = await piecesToSay(ctx, from.channel, threadId);
    const messages = pieces.map(({ message }) => message);
    const { answer, said } = from.channel.speak!(from.call, messages, standing);
    if (await markSaid(ctx, pieces, said)) return answer;
  }
}

async function piecesToSay(ctx: Ctx, channel: ChannelPort, threadId: string): Promise<Piece[]> {
  const pieces: Piece[] = [];
  for (const send of await listWaitingSends(ctx, threadId, MOST_AT_ONCE)) {
    if (await isFenced(ctx, send)) await end(ctx, send, { status: "cancelled", error: "an operator has taken over" });
    else pieces.push(...unsaid(channel, send).map((message) => ({ send, message })));
  }
  return pieces;
}

const unsaid = (channel: ChannelPort, send: Send) =>
  channel.compose(JSON.parse(send.body) as Outgoing).slice(send.sentPieces);

async function markSaid(ctx: Ctx, pieces: Piece[], count: number): Promise<boolean> {
  const [said, left] = [pieces.slice(0, count), pieces.slice(count)];
  for (const send of new Set(said.map((piece) => piece.send))) {
    const sentPieces = send.sentPieces + said.filter((piece) => piece.send === send).length;
    const isWhole = left.every((piece) => piece.send !== send);
    if (!(await recordSaid(ctx, send, sentPieces, isWhole))) return false;
    if (isWhole) await tell(ctx, send, { status: "sent", error: null });
  }
  return true;
}
