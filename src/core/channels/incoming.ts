import { uuidFrom } from "../../lib/hash.ts";
import { ChannelFailure, type Incoming, type RemoteFile } from "./channels.ts";
import type { Ctx } from "../context.ts";
import { findConversation, openConversation, setReachable, type Conversation } from "./conversations.ts";
import { DomainError } from "../errors.ts";
import { saveFile } from "../files.ts";
import type { MessageFile } from "../messages.ts";
import { rememberPerson } from "../people.ts";
import type { ChannelPort } from "../ports.ts";
import { receiveMessage } from "../threads.ts";

type Source = { integrationId: string; channel: ChannelPort };
type Event<T extends Incoming["type"]> = Incoming & { type: T };

/** What happened at a vendor happens here. Done twice it is done once: a message's id is made of the vendor's. */
export async function takeIncoming(ctx: Ctx, source: Source, event: Incoming): Promise<void> {
  switch (event.type) {
    case "message":
      return takeMessage(ctx, source, event);
    case "edit":
      return takeEdit(ctx, source, event);
    case "decision":
      return takeDecision(ctx, source, event);
    case "reachability":
      return void (await setReachable(ctx, { ...source, chatKey: event.chatKey }, event.reachable));
  }
}

const placeOf = ({ integrationId }: Source, { chatKey }: Incoming) => ({ integrationId, chatKey });

const messageIdOf = ({ integrationId }: Source, { chatKey, messageKey }: Event<"message" | "edit">) =>
  uuidFrom(`${integrationId}/${chatKey}/${messageKey}`);

async function takeMessage(ctx: Ctx, source: Source, event: Event<"message">): Promise<void> {
  const { capabilities } = source.channel;
  const conversation = await openConversation(ctx, placeOf(source, event), replyLimit(ctx, source, event));
  if (!conversation || (!capabilities.buttons && (await isDecision(ctx, conversation, event.text)))) return;
  const thread = { id: conversation.threadId, chatId: conversation.chatId };
  const person = event.sender && (await rememberPerson(ctx, source.integrationId, personOf(event.sender), thread));
  const id = await messageIdOf(source, event);
  const files = await saveFiles(ctx, source.channel, conversation, id, event.files);
  const message = { id, text: messageText(event, files), files };
  const { debounceMs } = capabilities;
  const [personId, address] = [person?.id ?? null, placeOf(source, event)];
  await receiveMessage(ctx, thread, { message, personId, address, debounceMs });
}

const personOf = ({ key, name, avatarUrl = null }: NonNullable<Incoming["sender"]>) => ({
  externalId: key,
  name,
  avatarUrl,
});

function replyLimit(ctx: Ctx, { channel }: Source, { at }: Incoming): Date | null {
  const { replyWindowMs } = channel.capabilities;
  return replyWindowMs === undefined ? null : new Date((at ?? ctx.now().getTime()) + replyWindowMs);
}

/** What could not be fetched is still said, so that whoever answers knows of it. */
function messageText({ text, files }: Event<"message">, saved: MessageFile[]): string {
  const missing = files.slice(saved.length).map(({ name }) => `[${name}]`);
  return [text, ...missing].filter((line) => line !== "").join("\n");
}

async function saveFiles(
  ctx: Ctx,
  channel: ChannelPort,
  { threadId }: Conversation,
  messageId: string,
  files: RemoteFile[],
): Promise<MessageFile[]> {
  const saved: MessageFile[] = [];
  for (const [index, file] of files.entries()) {
    const id = await uuidFrom(`${messageId}/${index}`);
    try {
      const response = await channel.download?.(file.ref);
      if (response?.ok) saved.push(await saveFile(ctx, threadId, { id, ...file, response }));
    } catch (error) {
      if (!(error instanceof ChannelFailure) || error.kind === "temporary" || error.kind === "rate_limited")
        throw error;
    }
  }
  return saved;
}

async function takeEdit(ctx: Ctx, source: Source, event: Event<"edit">): Promise<void> {
  const conversation = await findConversation(ctx, placeOf(source, event));
  if (conversation) await ctx.thread(conversation.threadId).edit(await messageIdOf(source, event), event.text);
}

async function takeDecision(ctx: Ctx, source: Source, event: Event<"decision">): Promise<void> {
  const conversation = await findConversation(ctx, placeOf(source, event));
  const { approvalId, approved } = event;
  const word = conversation && (await decide(ctx, conversation, { approvalId, approved }));
  const acknowledged = source.channel.acknowledge?.(event.receipt, word ?? CLOSED);
  await acknowledged?.catch((error: unknown) => console.warn("acknowledge", error));
}

const [YES, NO] = [/^(yes|yep|ok|да|ага|хорошо)[.!]*$/i, /^(no|nope|нет|не надо)[.!]*$/i];

/** Where there are no buttons, a plain yes or no answers the question that was asked last. */
async function isDecision(ctx: Ctx, { threadId }: Conversation, text: string): Promise<boolean> {
  const [approved, rejected] = [YES.test(text.trim()), NO.test(text.trim())];
  if (!approved && !rejected) return false;
  const { items } = await ctx
    .thread(threadId)
    .listApprovals({ limit: 1000 })
    .catch(() => ({ items: [] }));
  const asked = items.findLast(({ status, requestedFrom }) => status === "pending" && requestedFrom === "user");
  if (asked) await ctx.thread(threadId).decide({ approvalId: asked.id, approved, reason: null, by: "user" });
  return asked !== undefined;
}

const CLOSED = "This question is closed.";

async function decide(ctx: Ctx, { threadId }: Conversation, decision: { approvalId: string; approved: boolean }) {
  try {
    await ctx.thread(threadId).decide({ ...decision, reason: null, by: "user" });
    return decision.approved ? "✅" : "❌";
  } catch (error) {
    if (error instanceof DomainError && ["not_found", "conflict", "forbidden"].includes(error.code)) return CLOSED;
    throw error;
  }
}
