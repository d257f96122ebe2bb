import { and, eq, sql } from "drizzle-orm";
import { conversations } from "../../db/schema.ts";
import type { Ctx } from "../context.ts";

/** A vendor's conversation and the thread that it is here. */
export type Conversation = typeof conversations.$inferSelect;

type Place = { integrationId: string; chatKey: string };

/**
 * The chat through which a conversation comes: the one that is bound to it by its setting `external_chat_id`, else the
 * integration's oldest that is bound to none. One that is switched off comes last.
 */
async function chatOf(ctx: Ctx, { integrationId, chatKey }: Place): Promise<string | null> {
  const bound = "cast(json_extract(settings, '$.external_chat_id') as text)";
  const row = await ctx.db.$client
    .prepare(
      `select id from chats
       where integration_id = ? and project_id = ? and deleted_at is null and (${bound} is null or ${bound} = ?)
       order by ${bound} is null, status = 'disabled', created_at, id limit 1`,
    )
    .bind(integrationId, ctx.project.id, chatKey)
    .first<{ id: string }>();
  return row?.id ?? null;
}

/** The conversation as it is known; null: nothing has come from it yet. */
export async function findConversation(ctx: Ctx, place: Place): Promise<Conversation | null> {
  const chatId = await chatOf(ctx, place);
  if (chatId === null) return null;
  const found = await ctx.db.query.conversations.findFirst({ where: named(ctx, chatId, place.chatKey) });
  return found ?? null;
}

/** The conversation that a message came from: it can be answered, for as long as the vendor allows. Null: no chat takes it. */
export async function openConversation(
  ctx: Ctx,
  place: Place,
  canReplyUntil: Date | null,
): Promise<Conversation | null> {
  const chatId = await chatOf(ctx, place);
  if (chatId === null) return null;
  const [conversation] = await ctx.db
    .insert(conversations)
    .values({
      projectId: ctx.project.id,
      ...place,
      chatId,
      threadId: ctx.newId(),
      reachable: true,
      canReplyUntil,
      createdAt: ctx.now(),
    })
    .onConflictDoUpdate({
      target: [conversations.chatId, conversations.chatKey],
      set: { reachable: true, canReplyUntil: sql`max(excluded.can_reply_until, ${conversations.canReplyUntil})` },
    })
    .returning();
  return conversation ?? null;
}

const named = (ctx: Ctx, chatId: string, chatKey: string) =>
  and(
    eq(conversations.chatId, chatId),
    eq(conversations.chatKey, chatKey),
    eq(conversations.projectId, ctx.project.id),
  );

/** Where a thread's person is; null: at no vendor. */
export const conversationOf = (ctx: Ctx, threadId: string): Promise<Conversation | undefined> =>
  ctx.db.query.conversations.findFirst({
    where: and(eq(conversations.projectId, ctx.project.id), eq(conversations.threadId, threadId)),
  });

export const setReachable = (ctx: Ctx, { integrationId, chatKey }: Place, reachable: boolean) =>
  ctx.db
    .update(conversations)
    .set({ reachable })
    .where(
      and(
        eq(conversations.integrationId, integrationId),
        eq(conversations.chatKey, chatKey),
        eq(conversations.projectId, ctx.project.id),
      ),
    )
    .run();
