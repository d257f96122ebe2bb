import { and, asc, eq, isNull, sql, type SQL } from "drizzle-orm";
import { mergePatch } from "../db/client.ts";
import { bots } from "../db/schema.ts";
import { defaultSettings, storedSettings, type BotSettings, type BotSettingsPatch } from "./bot-settings.ts";
import type { Ctx } from "./context.ts";
import { notFound } from "./errors.ts";
import { createOnce } from "./idempotency.ts";
import { truncate } from "../lib/text.ts";
import { afterCursor, pageByCreation, type Page, type PageRequest } from "./pages.ts";

export type Bot = typeof bots.$inferSelect;

const MAX_NAME_LENGTH = 200;
const COPY_SUFFIX = " (copy)";

const mine = (ctx: Ctx, id: string) => and(eq(bots.id, id), eq(bots.projectId, ctx.project.id), isNull(bots.deletedAt));

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
  const bot = await ctx.db.query.bots.findFirst({ where: mine(ctx, id) });
  if (!bot) throw notFound("bot", id);
  return bot;
}

export const updateBot = (
  ctx: Ctx,
  id: string,
  changes: Partial<Pick<Bot, "name" | "description" | "status">>,
): Promise<Bot> => changeBot(ctx, id, changes);

async function changeBot(
  ctx: Ctx,
  id: string,
  changes: Partial<Omit<Bot, "settings">> & { settings?: SQL },
): Promise<Bot> {
  const [bot] = await ctx.db
    .update(bots)
    .set({ ...changes, updatedAt: ctx.now() })
    .where(mine(ctx, id))
    .returning();
  if (!bot) throw notFound("bot", id);
  return bot;
}

export const getBotSettings = async (ctx: Ctx, id: string): Promise<BotSettings> =>
  storedSettings((await getBot(ctx, id)).settings, ctx.defaultModel);

/** A merge patch, but for the map of tools, which is replaced whole. */
export async function updateBotSettings(
  ctx: Ctx,
  id: string,
  { tools, ...patch }: BotSettingsPatch,
): Promise<BotSettings> {
  const merged = mergePatch(bots.settings, patch);
  const settings = tools ? sql`json_set(${merged}, '$.tools', json(${JSON.stringify(tools)}))` : merged;
  return storedSettings((await changeBot(ctx, id, { settings })).settings, ctx.defaultModel);
}

/** A new bot with the same settings, reachable through no chat yet. */
export async function cloneBot(ctx: Ctx, id: string): Promise<Bot> {
  const bot = await getBot(ctx, id);
  const name = truncate(bot.name, MAX_NAME_LENGTH - COPY_SUFFIX.length) + COPY_SUFFIX;
  return insertBot(ctx, name, bot.description, storedSettings(bot.settings, ctx.defaultModel));
}

/** Its chats stop answering; what was said in them stays. */
export const deleteBot = (ctx: Ctx, id: string): Promise<Bot> => changeBot(ctx, id, { deletedAt: ctx.now() });
