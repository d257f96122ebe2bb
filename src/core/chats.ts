import { and, asc, eq, getTableColumns, isNull, ne, sql } from "drizzle-orm";
import { mergePatch } from "../db/client.ts";
import { chatHours, chats, type JsonObject } from "../db/schema.ts";
import { getBot } from "./bots.ts";
import { hourOf } from "./chat-settings.ts";
import type { Ctx } from "./context.ts";
import { eraseLater } from "./erasure.ts";
import { DomainError, notFound } from "./errors.ts";
import { createOnce } from "./idempotency.ts";
import { getIntegration } from "./channels/integrations.ts";
import { afterCursor, pageByCreation, type Page, type PageRequest } from "./pages.ts";
import { outgrown, requireSmall, staysSmall } from "./settings.ts";

/** `events24h` counts the messages of the last day, to the hour. */
export type Chat = typeof chats.$inferSelect & { events24h: number };

const columns = (ctx: Ctx) => ({
  ...getTableColumns(chats),
  events24h: sql<number>`(select coalesce(sum(${chatHours.messages}), 0) from ${chatHours}
    where ${chatHours.chatId} = ${chats.id} and ${chatHours.hour} >= ${hourOf(ctx.now()) - 23})`,
});

const mine = (ctx: Ctx) => and(eq(chats.projectId, ctx.project.id), isNull(chats.deletedAt));

/** A chat that is reached through the same integration by the same bot under the same name exists only once. */
export async function createChat(
  ctx: Ctx,
  integrationId: string,
  input: { botId: string; name: string; settings?: JsonObject },
): Promise<Chat> {
  requireSmall("settings", input.settings);
  const [integration, bot] = await Promise.all([getIntegration(ctx, integrationId), getBot(ctx, input.botId)]);
  await refuseIdentical(ctx, { integrationId, botId: bot.id, name: input.name });
  const now = ctx.now();
  const chat = {
    id: ctx.newId(),
    projectId: ctx.project.id,
    botId: bot.id,
    integrationId: integration.id,
    name: input.name,
    status: "active" as const,
    error: null,
    settings: input.settings ?? {},
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  };
  return createOnce(ctx, { ...chat, events24h: 0 }, ctx.db.insert(chats).values(chat)).catch(refuseTwin(chat));
}

/** Of the project, or of one integration. */
export async function listChats(ctx: Ctx, page: PageRequest & { integrationId?: string }): Promise<Page<Chat>> {
  const { integrationId } = page;
  if (integrationId) await getIntegration(ctx, integrationId);
  const rows = await ctx.db
    .select(columns(ctx))
    .from(chats)
    .where(
      and(
        mine(ctx),
        integrationId ? eq(chats.integrationId, integrationId) : undefined,
        afterCursor(page.cursor, chats),
      ),
    )
    .orderBy(asc(chats.createdAt), asc(chats.id))
    .limit(page.limit + 1);
  return pageByCreation(rows, page.limit);
}

/** Another project's chat, or one of another integration than asked for, is reported like one that does not exist. */
export async function getChat(ctx: Ctx, id: string, integrationId?: string): Promise<Chat> {
  const [chat] = await ctx.db
    .select(columns(ctx))
    .from(chats)
    .where(and(mine(ctx), eq(chats.id, id), integrationId ? eq(chats.integrationId, integrationId) : undefined));
  if (!chat) throw notFound("chat", id);
  return chat;
}

/** Settings are changed by a merge patch. */
export async function updateChat(
  ctx: Ctx,
  integrationId: string,
  id: string,
  changes: { botId?: string; name?: string; status?: Chat["status"]; settings?: JsonObject },
): Promise<Chat> {
  const chat = await getChat(ctx, id, integrationId);
  if (changes.botId) await getBot(ctx, changes.botId);
  const { settings, ...given } = changes;
  const identity = { integrationId, botId: given.botId ?? chat.botId, name: given.name ?? chat.name };
  await refuseIdentical(ctx, { ...identity, except: id });
  const changed = await ctx.db
    .update(chats)
    .set({
      ...given,
      ...(given.status && { error: null }),
      settings: settings && mergePatch(chats.settings, settings),
      updatedAt: ctx.now(),
    })
    .where(and(mine(ctx), eq(chats.id, id), staysSmall(chats.settings, settings)))
    .returning({ id: chats.id })
    .catch(refuseTwin(identity));
  const after = await getChat(ctx, id);
  if (changed.length === 0) throw outgrown("settings");
  return after;
}

/** Its threads are erased in the background. */
export async function deleteChat(ctx: Ctx, integrationId: string, id: string): Promise<void> {
  const chat = await getChat(ctx, id, integrationId);
  await ctx.db.update(chats).set({ deletedAt: ctx.now() }).where(eq(chats.id, chat.id));
  await eraseLater(ctx, chat.id);
}

async function refuseIdentical(
  ctx: Ctx,
  chat: { integrationId: string; botId: string; name: string; except?: string },
): Promise<void> {
  const twin = await ctx.db.query.chats.findFirst({
    where: and(
      eq(chats.integrationId, chat.integrationId),
      eq(chats.botId, chat.botId),
      eq(chats.name, chat.name),
      isNull(chats.deletedAt),
      chat.except ? ne(chats.id, chat.except) : undefined,
    ),
  });
  if (twin) throw identical(chat);
}

const identical = ({ name }: { name: string }) =>
  new DomainError("conflict", `this integration has a chat ${JSON.stringify(name)} for this bot already`);

/** Of two that are written in the same moment, the database refuses the second. */
const refuseTwin =
  (chat: { name: string }) =>
  (error: unknown): never => {
    const isTwin = [error, (error as Error).cause].some((cause) => String(cause).includes("chats.integration_id"));
    throw isTwin ? identical(chat) : error;
  };
