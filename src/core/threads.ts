import { and, desc, eq, sql } from "drizzle-orm";
import { threads } from "../db/schema.ts";
import { readLiveChat, type LiveChat } from "./access.ts";
import type { Approval, Decision } from "./approvals.ts";
import type { ChannelAddress } from "./channels/channels.ts";
import type { Ctx } from "./context.ts";
import { conversationOf, type Conversation } from "./channels/conversations.ts";
import { DomainError, notFound } from "./errors.ts";
import type { Message } from "./messages.ts";
import { afterCursor, pageByCreation, type Page, type OrderedPageRequest, type PageRequest } from "./pages.ts";
import { getPerson, rememberPerson, type Person } from "./people.ts";
import type { Later, Posting, TurnStream, UserMessage } from "./ports.ts";
import { requireRoom } from "./schedules/schedule-room.ts";
import { requireFuture } from "./schedules/schedule-times.ts";
import { threadsThatSay } from "./search.ts";
import type { Mode, ThreadState } from "./thread-state.ts";
import { TURN_EVENT_TYPES, type TurnEventType } from "./turn-events.ts";

/** A thread as lists show it: a copy that follows the thread's object. */
export type Thread = typeof threads.$inferSelect;

export type ThreadFilter = { chatId?: string; botId?: string; search?: string; offset?: number };

/** A search finds few threads, which are looked up and sorted; by an index of time all threads would be walked for them. */
const BY_SORTING = sql`+${threads.createdAt}`;

/** Newest first. A search finds threads by what was said in them. */
export async function listThreads(ctx: Ctx, page: PageRequest & ThreadFilter): Promise<Page<Thread>> {
  const rows = await ctx.db
    .select()
    .from(threads)
    .where(
      and(
        eq(threads.projectId, ctx.project.id),
        page.chatId ? eq(threads.chatId, page.chatId) : undefined,
        page.botId ? eq(threads.botId, page.botId) : undefined,
        page.search?.trim() ? threadsThatSay(ctx.project.id, page.search) : undefined,
        afterCursor(page.cursor, threads, "newest first"),
      ),
    )
    .orderBy(page.search?.trim() ? desc(BY_SORTING) : desc(threads.createdAt), desc(threads.id))
    .limit(page.limit + 1)
    .offset(page.cursor ? 0 : (page.offset ?? 0));
  return pageByCreation(rows, page.limit);
}

/**
 * An unknown thread is found out here, so that asking for it wakes no object. Another project's thread, or one of
 * another chat than asked for, is reported exactly like one that does not exist.
 */
export async function requireThread(ctx: Ctx, id: string, chatId?: string): Promise<Thread> {
  const thread = await ctx.db.query.threads.findFirst({
    where: and(
      eq(threads.projectId, ctx.project.id),
      eq(threads.id, id),
      chatId ? eq(threads.chatId, chatId) : undefined,
    ),
  });
  if (!thread) throw notFound("thread", id);
  return thread;
}

type ThreadDetail = ThreadState & { person: Person | null; conversation: Conversation | null };

export async function getThread(ctx: Ctx, id: string): Promise<ThreadDetail> {
  await requireThread(ctx, id);
  const [state, conversation = null] = await Promise.all([ctx.thread(id).get(), conversationOf(ctx, id)]);
  return { ...state, conversation, person: (state.personId && (await getPerson(ctx, state.personId))) || null };
}

export async function listMessages(
  ctx: Ctx,
  thread: { id: string; chatId: string },
  page: OrderedPageRequest,
): Promise<Page<Message>> {
  await requireThread(ctx, thread.id, thread.chatId);
  return ctx.thread(thread.id).listMessages(page);
}

export async function setMode(ctx: Ctx, thread: { id: string; chatId?: string }, mode: Mode): Promise<void> {
  await requireThread(ctx, thread.id, thread.chatId);
  await ctx.thread(thread.id).setMode(mode, onceKey(ctx));
}

/** An operator's message; the thread must be in manual mode. */
export async function sendAsOperator(ctx: Ctx, id: string, text: string): Promise<Message> {
  await requireThread(ctx, id);
  return ctx.thread(id).send(text, onceKey(ctx));
}

export async function stopTurn(ctx: Ctx, thread: { id: string; chatId: string }): Promise<boolean> {
  await requireThread(ctx, thread.id, thread.chatId);
  return ctx.thread(thread.id).stop(onceKey(ctx));
}

export async function getWorkingMemory(ctx: Ctx, id: string): Promise<string | null> {
  await requireThread(ctx, id);
  return ctx.thread(id).workingMemory();
}

export async function listApprovals(ctx: Ctx, id: string, page: PageRequest): Promise<Page<Approval>> {
  await requireThread(ctx, id);
  return ctx.thread(id).listApprovals(page);
}

export async function decideApproval(ctx: Ctx, id: string, decision: Decision): Promise<Approval> {
  await requireThread(ctx, id);
  return ctx.thread(id).decide(decision);
}

export async function deleteThread(ctx: Ctx, thread: { id: string; chatId: string }): Promise<void> {
  await requireThread(ctx, thread.id, thread.chatId);
  await ctx.thread(thread.id).erase();
}

export type PostInput = {
  messages: UserMessage[];
  regenerate?: boolean;
  /** An answer that is to be given anew, or a message that says something else now; what came after it is taken back. */
  anew?: string | undefined;
  /** When the messages are answered; absent or past: now. */
  later?: { at: Date; cancelIfReply: boolean } | undefined;
  person?: { externalId: string; name?: string | null; avatarUrl?: string | null } | undefined;
};

/** Stores what a person wrote and streams the answer; a thread that does not exist yet begins with it. */
export async function postMessages(
  ctx: Ctx,
  thread: { id: string; chatId: string },
  input: PostInput,
  types: readonly TurnEventType[],
): Promise<TurnStream> {
  const chat = await requireChat(ctx, thread.chatId);
  if (!chat.active) throw new DomainError("conflict", "this chat, its bot or its integration is not active");
  const person = input.person && (await rememberPerson(ctx, chat.integrationId, input.person, thread));
  if (person === null) throw notFound("thread", thread.id);
  const { messages, regenerate = false, anew } = input;
  const posting = postingOf(chat, person?.id ?? null, types);
  const later = input.later ? await laterOf(ctx, input.later) : null;
  return ctx.thread(thread.id).post({ posting, messages, regenerate, anew, later, once: onceKey(ctx) });
}

async function laterOf(ctx: Ctx, { at, cancelIfReply }: NonNullable<PostInput["later"]>): Promise<Later | null> {
  const dueAt = requireFuture(at, ctx.now(), "scheduledAt");
  if (dueAt === null) return null;
  await requireRoom(ctx, "once");
  return { dueAt, cancelIfReply };
}

/** The same for what a person wrote to a vendor. It is stored in any case, and answered where somebody is there to answer. */
export async function receiveMessage(
  ctx: Ctx,
  thread: { id: string; chatId: string },
  input: { message: UserMessage; personId: string | null; address: ChannelAddress; debounceMs: number },
): Promise<void> {
  const { message, personId, address } = input;
  const chat = await requireChat(ctx, thread.chatId);
  const debounceMs = chat.debounceMs ?? input.debounceMs;
  const posting = { ...postingOf(chat, personId, TURN_EVENT_TYPES), address, debounceMs };
  const command = { posting, messages: [message], regenerate: false, unanswered: !chat.active, once: null };
  await ctx.thread(thread.id).receive(command);
}

/** Takes a person's own decisions about tool calls, and streams how the answer goes on. */
export async function postDecisions(
  ctx: Ctx,
  thread: { id: string; chatId: string },
  decisions: Decision[],
  types: readonly TurnEventType[],
): Promise<TurnStream> {
  await requireThread(ctx, thread.id, thread.chatId);
  const chat = await requireChat(ctx, thread.chatId);
  return ctx.thread(thread.id).decideAndStream(decisions, postingOf(chat, null, types));
}

export async function resumeTurn(
  ctx: Ctx,
  thread: { id: string; chatId: string },
  after: string | null,
  types: readonly TurnEventType[] | null,
): Promise<TurnStream | null> {
  await requireThread(ctx, thread.id, thread.chatId);
  return ctx.thread(thread.id).resume(after, types);
}

/** The chat as a turn needs it, from the request's first read where that has it. */
async function requireChat(ctx: Ctx, chatId: string): Promise<LiveChat> {
  const chat = ctx.chat ?? (await readLiveChat(ctx.db, ctx.project.id, chatId, ctx.defaultModel));
  if (!chat) throw notFound("chat", chatId);
  return chat;
}

const postingOf = (chat: LiveChat, personId: string | null, types: readonly TurnEventType[]): Posting => ({
  chatId: chat.id,
  botId: chat.botId,
  personId,
  settings: chat.settings,
  debounceMs: chat.debounceMs ?? 0,
  types,
  failing: chat.failing,
});

const onceKey = ({ once }: Ctx) => once && { key: once.key, requestHash: once.requestHash };
