import type { Chat } from "../../../core/chats.ts";
import type { Profile } from "../../../core/channels/channels.ts";
import type { Integration } from "../../../core/channels/integrations.ts";
import { type Wire, time } from "./parts.ts";

export const integrationView = (integration: Integration): Wire<"Integration"> => ({
  id: integration.id,
  name: integration.name,
  vendor: integration.vendor,
  status: integration.status,
  project_id: integration.projectId,
  created_at: time(integration.createdAt),
  updated_at: time(integration.updatedAt),
  ...settingsView(integration),
  ...(integration.error === null ? {} : { error: integration.error }),
});

export const profileView = ({ id, name, username, avatarUrl }: Profile): Wire<"IntegrationProfile"> => ({
  id,
  name,
  ...(username === undefined ? {} : { username }),
  ...(avatarUrl === undefined ? {} : { avatar_url: avatarUrl }),
});

export const chatView = (chat: Chat): Wire<"Chat"> => ({
  id: chat.id,
  name: chat.name,
  bot_id: chat.botId,
  integration_id: chat.integrationId,
  status: chat.status,
  project_id: chat.projectId,
  created_at: time(chat.createdAt),
  updated_at: time(chat.updatedAt),
  events_24h: chat.events24h,
  ...settingsView(chat),
  ...(chat.error === null ? {} : { error: chat.error }),
});

const settingsView = ({ settings }: { settings: { [key: string]: unknown } }) =>
  Object.keys(settings).length > 0 ? { settings } : {};
