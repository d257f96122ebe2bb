import type { Db } from "../db/client.ts";
import type { JsonObject } from "../db/schema.ts";
import { storedSettings, type BotSettings } from "./bot-settings.ts";
import { chatSettings } from "./chat-settings.ts";

/** A chat as a turn needs it: who answers there, and how. */
export type LiveChat = {
  id: string;
  projectId: string;
  integrationId: string;
  active: boolean;
  /** Its bot could not answer lately. It is tried again with every message. */
  failing: boolean;
  /** Null: as its channel does. */
  debounceMs: number | null;
  botId: string;
  settings: BotSettings;
};

export type Access = {
  keyId: string;
  lastUsedAt: Date | null;
  project: { id: string; requestsPerMinute: number | null };
  chat: LiveChat | null;
};

type KeyRow = { key_id: string; last_used_at: number | null; project_id: string; requests_per_minute: number | null };
type ChatRow = {
  id: string;
  project_id: string;
  integration_id: string;
  chat_status: string;
  chat_settings: string;
  integration_status: string;
  bot_id: string;
  /** Null: the bot is deleted. */
  bot_status: string | null;
  bot_settings: string;
  has_knowledge: number;
};

/** Written by hand: drizzle confuses columns of the same name when a join is read in a batch. */
const keyStatement = (db: Db, hash: string) =>
  db.$client
    .prepare(
      `select k.id as key_id, k.last_used_at, p.id as project_id, p.requests_per_minute
       from api_keys k join projects p on p.id = k.project_id where k.hash = ?`,
    )
    .bind(hash);

const chatStatement = (db: Db, id: string) =>
  db.$client
    .prepare(
      `select c.id, c.project_id, c.integration_id, c.status as chat_status, c.settings as chat_settings,
         i.status as integration_status,
         b.id as bot_id, case when b.deleted_at is null then b.status end as bot_status, b.settings as bot_settings,
         exists (select 1 from knowledge_stores s where s.project_id = c.project_id and s.deleted_at is null) as has_knowledge
       from chats c join bots b on b.id = c.bot_id join integrations i on i.id = c.integration_id
       where c.id = ? and c.deleted_at is null`,
    )
    .bind(id);

/** What an API key opens, with the chat that the request is about, in one read. Null: no such key. */
export async function readAccess(
  db: Db,
  keyHash: string,
  chatId: string | null,
  defaultModel: string,
): Promise<Access | null> {
  const statements = [keyStatement(db, keyHash), ...(chatId ? [chatStatement(db, chatId)] : [])];
  const [keys, chats] = await db.$client.batch(statements);
  const [key] = keys!.results as KeyRow[];
  if (!key) return null;
  const [chat] = (chats?.results ?? []) as ChatRow[];
  return {
    keyId: key.key_id,
    lastUsedAt: key.last_used_at === null ? null : new Date(key.last_used_at),
    project: { id: key.project_id, requestsPerMinute: key.requests_per_minute },
    chat: liveChat(chat, key.project_id, defaultModel),
  };
}

/** The chat for a turn that no request started: one that waited, or that a crash interrupted. */
export async function readLiveChat(db: Db, projectId: string, chatId: string, defaultModel: string) {
  const row = await chatStatement(db, chatId).first<ChatRow>();
  return liveChat(row ?? undefined, projectId, defaultModel);
}

/** Another project's chat is reported exactly like one that does not exist. */
function liveChat(row: ChatRow | undefined, projectId: string, defaultModel: string): LiveChat | null {
  if (!row || row.project_id !== projectId) return null;
  return {
    id: row.id,
    projectId,
    integrationId: row.integration_id,
    active: isActive(row),
    failing: row.chat_status === "error",
    debounceMs: chatSettings(JSON.parse(row.chat_settings) as JsonObject).debounceMs,
    botId: row.bot_id,
    settings: settingsOf(row, defaultModel),
  };
}

/** An integration, or a chat, in error is one that cannot send or answer for now: it is tried again with every message. */
const isActive = (row: ChatRow) =>
  row.chat_status !== "disabled" && row.bot_status === "active" && row.integration_status !== "disabled";

/** Where there are no stores nothing is looked up, which saves the look. */
function settingsOf(row: ChatRow, defaultModel: string): BotSettings {
  const settings = storedSettings(JSON.parse(row.bot_settings) as JsonObject, defaultModel);
  return row.has_knowledge ? settings : { ...settings, vectorStoreIds: [] };
}
