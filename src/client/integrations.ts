import { path, type CallOptions, type Connection } from "./connection.ts";
import type {
  Chat,
  CreateChat,
  CreateIntegration,
  Deleted,
  Integration,
  IntegrationProfile,
  ListQuery,
  OAuthStart,
  SetChatStatus,
  UpdateChat,
  UpdateIntegration,
} from "./types.ts";

export const integrations = (connection: Connection) => ({
  list: (query?: ListQuery, options?: CallOptions) => connection.list<Integration[]>("/integrations", query, options),
  create: (integration: CreateIntegration, options?: CallOptions) =>
    connection.post<Integration>("/integrations", integration, options),
  get: (integrationId: string, options?: CallOptions) =>
    connection.get<Integration>(path`/integrations/${integrationId}`, options),
  update: (integrationId: string, changes: UpdateIntegration, options?: CallOptions) =>
    connection.post<Integration>(path`/integrations/${integrationId}`, changes, options),
  /** Whom its credentials stand for, asked of the vendor now. */
  profile: (integrationId: string, options?: CallOptions) =>
    connection.get<IntegrationProfile>(path`/integrations/${integrationId}/profile`, options),
  oauth: {
    start: (integrationId: string, options?: CallOptions) =>
      connection.post<OAuthStart>(path`/integrations/${integrationId}/oauth/start`, {}, options),
  },
  /** Its chats and their threads are deleted with it. */
  delete: (integrationId: string, options?: CallOptions) =>
    connection.delete<Deleted>(path`/integrations/${integrationId}`, options),

  chats: {
    list: (integrationId: string, query?: ListQuery, options?: CallOptions) =>
      connection.list<Chat[]>(path`/integrations/${integrationId}/chats`, query, options),
    create: (integrationId: string, chat: CreateChat, options?: CallOptions) =>
      connection.post<Chat>(path`/integrations/${integrationId}/chats`, chat, options),
    update: (integrationId: string, chatId: string, changes: UpdateChat, options?: CallOptions) =>
      connection.post<Chat>(path`/integrations/${integrationId}/chats/${chatId}`, changes, options),
    setStatus: (integrationId: string, chatId: string, status: SetChatStatus["status"], options?: CallOptions) =>
      connection.post<Chat>(path`/integrations/${integrationId}/chats/${chatId}/status`, { status }, options),
    delete: (integrationId: string, chatId: string, options?: CallOptions) =>
      connection.delete<Deleted>(path`/integrations/${integrationId}/chats/${chatId}`, options),
  },
});
