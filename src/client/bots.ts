import { path, type CallOptions, type Connection } from "./connection.ts";
import type {
  Bot,
  BotSettings,
  CreateBot,
  Deleted,
  ListQuery,
  SetStatus,
  UpdateBot,
  UpdateBotSettings,
} from "./types.ts";

export const bots = (connection: Connection) => ({
  list: (query?: ListQuery, options?: CallOptions) => connection.list<Bot[]>("/bots", query, options),
  create: (bot: CreateBot, options?: CallOptions) => connection.post<Bot>("/bots", bot, options),
  get: (botId: string, options?: CallOptions) => connection.get<Bot>(path`/bots/${botId}`, options),
  update: (botId: string, changes: UpdateBot, options?: CallOptions) =>
    connection.post<Bot>(path`/bots/${botId}`, changes, options),
  setStatus: (botId: string, status: SetStatus["status"], options?: CallOptions) =>
    connection.post<Bot>(path`/bots/${botId}/status`, { status }, options),
  /** A new bot with the same settings. */
  clone: (botId: string, options?: CallOptions) => connection.post<Bot>(path`/bots/${botId}/clone`, undefined, options),
  delete: (botId: string, options?: CallOptions) =>
    connection.post<Deleted>(path`/bots/${botId}/delete`, undefined, options),

  settings: {
    get: (botId: string, options?: CallOptions) => connection.get<BotSettings>(path`/bots/${botId}/settings`, options),
    /** Changes what is given; lists and the map of tools are replaced whole. */
    update: (botId: string, patch: UpdateBotSettings, options?: CallOptions) =>
      connection.post<BotSettings>(path`/bots/${botId}/settings`, patch, options),
  },
});
