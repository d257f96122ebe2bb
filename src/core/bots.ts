import { and, asc, eq, isNull } from "drizzle-orm";
import { bots } from "../db/schema.ts";
import {
  defaultSettings,
  mergeSettings,
  storedSettings,
  type BotSettings,
  type BotSettingsPatch,
} from "./bot-settings.ts";
import type { Ctx } from "./context.ts";
import { notFound } from "./errors.ts";
import { createOnce } from "./idempotency.ts";
import { afterCursor, pageByCreation, type Page, type PageRequest } from "./pages.ts";

export type Bot = typeof bots.$inferSelect;

export const createBot = (ctx: Ctx, input: { name: string; description?: string | null }): Promise<Bot> =>
  insertBot(ctx, input.name, input.description ?? null, defaultSettings(ctx.defaultModel));

async function insertBot(ctx: Ctx, name: string, description: string | null, settings: BotSettings): Promise<Bot> {
  const now = ctx.now();
  const bot: Bot = {
    id: ctx.newId(),
    projectId: ctx.project.id,
    name,
    description,
    status: "active",
    settings,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  };
  return createOnce(ctx, bot, ctx.db.insert(bots).values(bot));
}

export async function listBots(ctx: Ctx, page: PageRequest): Promise<Page<Bot>> {
  const rows = await ctx.db
    .select()
    .from(bots)
    .where(and(eq(bots.projectId, ctx.project.id), isNull(bots.deletedAt), afterCursor(page.cursor, bots)))
    .orderBy(asc(bots.createdAt), asc(bots.id))
    .limit(page.limit + 1);
  return pageByCreation(rows, page.limit);
}

/** Another project's bot is reported exactly like one that does not exist. */
export async function getBot(ctx: Ctx, id: string): Promise<Bot> {
  const bot = await ctx.db.query.bots.findFirst({
    where: and(eq(bots.id, id), eq(bots.projectId, ctx.project.id), isNull(bots.deletedAt)),
  });
  if (!bot) throw notFound("bot", id);
  return bot;
}

export async function updateBot(
  ctx: Ctx,
  id: string,
  changes: Partial<Pick<Bot, "name" | "description" | "status" | "settings" | "deletedAt">>,
): Promise<Bot> {
  const bot = await getBot(ctx, id);
  const changed = { ...changes, updatedAt: ctx.now() };
  await ctx.db.update(bots).set(changed).where(eq(bots.id, bot.id));
  return { ...bot, ...dropUndefined(changed) };
}

export const getBotSettings = async (ctx: Ctx, id: string): Promise<BotSettings> =>
  storedSettings((await getBot(ctx, id)).settings, ctx.defaultModel);

export async function updateBotSettings(ctx: Ctx, id: string, patch: BotSettingsPatch): Promise<BotSettings> {
  const settings = mergeSettings(await getBotSettings(ctx, id), patch);
  await updateBot(ctx, id, { settings });
  return settings;
}

/** A new bot with the same settings, reachable through no chat yet. */
export async function cloneBot(ctx: Ctx, id: string): Promise<Bot> {
  const bot = await getBot(ctx, id);
  return insertBot(ctx, `${bot.name} (copy)`, bot.description, storedSettings(bot.settings, ctx.defaultModel));
}

/** Its chats stop answering; what was said in them stays. */
export const deleteBot = (ctx: Ctx, id: string): Promise<Bot> => updateBot(ctx, id, { deletedAt: ctx.now() });

const dropUndefined = <T extends object>(changes: T): T =>
  Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as T;
