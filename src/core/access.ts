import { and, eq, isNull } from "drizzle-orm";
import type { Db } from "../db/client.ts";
import { apiKeys, bots, chats, projects } from "../db/schema.ts";
import { storedSettings, type BotSettings } from "./bot-settings.ts";
import { chatSettings } from "./chat-settings.ts";

/** A chat as a turn needs it: who answers there, and how. */
export type LiveChat = {
  id: string;
  projectId: string;
  integrationId: string;
  active: boolean;
  debounceMs: number;
  botId: string;
  settings: BotSettings;
};

export type Access = {
  keyId: string;
  lastUsedAt: Date | null;
  project: { id: string; requestsPerMinute: number | null };
  chat: LiveChat | null;
};

const keyQuery = (db: Db, hash: string) =>
  db
    .select({
      keyId: apiKeys.id,
      lastUsedAt: apiKeys.lastUsedAt,
      id: projects.id,
      requestsPerMinute: projects.requestsPerMinute,
    })
    .from(apiKeys)
    .innerJoin(projects, eq(projects.id, apiKeys.projectId))
    .where(eq(apiKeys.hash, hash));

const chatQuery = (db: Db, id: string) =>
  db
    .select({ chat: chats, bot: bots })
    .from(chats)
    .innerJoin(bots, eq(bots.id, chats.botId))
    .where(and(eq(chats.id, id), isNull(chats.deletedAt), isNull(bots.deletedAt)));

/** What an API key opens, with the chat that the request is about, in one read. Null: no such key. */
export async function readAccess(
  db: Db,
  keyHash: string,
  chatId: string | null,
  defaultModel: string,
): Promise<Access | null> {
  const [keys, found] = chatId
    ? await db.batch([keyQuery(db, keyHash), chatQuery(db, chatId)])
    : [await keyQuery(db, keyHash), []];
  const [key] = keys;
  if (!key) return null;
  const chat = liveChat(found[0], key.id, defaultModel);
  return { keyId: key.keyId, lastUsedAt: key.lastUsedAt, project: key, chat };
}

/** The chat for a turn that no request started: one that waited, or that a crash interrupted. */
export const readLiveChat = async (db: Db, projectId: string, chatId: string, defaultModel: string) =>
  liveChat((await chatQuery(db, chatId))[0], projectId, defaultModel);

type ChatRow = { chat: typeof chats.$inferSelect; bot: typeof bots.$inferSelect };

/** Another project's chat is reported exactly like one that does not exist. */
function liveChat(row: ChatRow | undefined, projectId: string, defaultModel: string): LiveChat | null {
  if (!row || row.chat.projectId !== projectId) return null;
  return {
    id: row.chat.id,
    projectId,
    integrationId: row.chat.integrationId,
    active: row.chat.status === "active" && row.bot.status === "active",
    debounceMs: chatSettings(row.chat.settings).debounceMs,
    botId: row.bot.id,
    settings: storedSettings(row.bot.settings, defaultModel),
  };
}
