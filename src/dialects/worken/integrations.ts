import * as z from "zod";
import { getProfile } from "../../core/channels/channel-accounts.ts";
import { createChat, deleteChat, listChats, updateChat } from "../../core/chats.ts";
import { answering } from "../../core/idempotency.ts";
import {
  createIntegration,
  deleteIntegration,
  getIntegration,
  listIntegrations,
  updateIntegration,
} from "../../core/channels/integrations.ts";
import { startOAuth } from "../../core/channels/oauth.ts";
import type { Api } from "../../http/route.ts";
import { pageView } from "./pages.ts";
import {
  Chat,
  CreateChat,
  CreateIntegration,
  Deleted,
  Integration,
  IntegrationProfile,
  OAuthStart,
  ListQuery,
  SetChatStatus,
  UpdateChat,
  UpdateIntegration,
} from "./schemas.ts";
import { chatView, integrationView, profileView } from "./wire.ts";

const Id = z.object({ id: z.string() });
const ChatId = Id.extend({ chat_id: z.string() });

export const integrations = (api: Api) =>
  api
    .on(
      "get",
      "/integrations",
      { summary: "List integrations", query: ListQuery, ok: z.array(Integration) },
      async ({ c, ctx, query }) => pageView(c, await listIntegrations(ctx, query), integrationView),
    )
    .on(
      "post",
      "/integrations",
      {
        summary: "Create an integration",
        description:
          "`auth_data` is kept encrypted and never shown. The vendor `worken` is the website and API channel.",
        json: CreateIntegration,
        ok: Integration,
      },
      async ({ ctx, json: { auth_data, ...input } }) =>
        integrationView(await createIntegration(answering(ctx, integrationView), { ...input, credentials: auth_data })),
    )
    .on(
      "get",
      "/integrations/:id",
      { summary: "Get an integration", params: Id, ok: Integration },
      async ({ ctx, params }) => integrationView(await getIntegration(ctx, params.id)),
    )
    .on(
      "post",
      "/integrations/:id",
      { summary: "Update an integration", params: Id, json: UpdateIntegration, ok: Integration },
      async ({ ctx, params, json: { auth_data, ...changes } }) =>
        integrationView(await updateIntegration(ctx, params.id, { ...changes, credentials: auth_data })),
    )
    .on(
      "delete",
      "/integrations/:id",
      { summary: "Delete an integration, its chats and their threads", params: Id, ok: Deleted },
      async ({ ctx, params }) => {
        await deleteIntegration(ctx, params.id);
        return { id: params.id, deleted: true as const };
      },
    )
    .on(
      "get",
      "/integrations/:id/profile",
      {
        summary: "Ask the vendor whom an integration's credentials stand for",
        description: "422: the vendor does not accept them; the integration's status is `error` from then on.",
        params: Id,
        ok: IntegrationProfile,
      },
      async ({ ctx, params }) => profileView(await getProfile(ctx, params.id)),
    )
    .on(
      "post",
      "/integrations/:id/oauth/start",
      {
        summary: "Begin the OAuth flow of an integration",
        description: "Send the person to `url` within ten minutes; what they allow is kept by itself.",
        params: Id,
        ok: OAuthStart,
      },
      async ({ ctx, params }) => startOAuth(ctx, params.id),
    )
    .on(
      "get",
      "/integrations/:id/chats",
      { summary: "List an integration's chats", params: Id, query: ListQuery, ok: z.array(Chat) },
      async ({ c, ctx, params, query }) =>
        pageView(c, await listChats(ctx, { ...query, integrationId: params.id }), chatView),
    )
    .on(
      "post",
      "/integrations/:id/chats",
      { summary: "Create a chat", params: Id, json: CreateChat, ok: Chat },
      async ({ ctx, params, json: { bot_id, ...input } }) =>
        chatView(await createChat(answering(ctx, chatView), params.id, { ...input, botId: bot_id })),
    )
    .on(
      "post",
      "/integrations/:id/chats/:chat_id",
      { summary: "Update a chat", params: ChatId, json: UpdateChat, ok: Chat },
      async ({ ctx, params, json: { bot_id, ...changes } }) =>
        chatView(await updateChat(ctx, params.id, params.chat_id, { ...changes, botId: bot_id })),
    )
    .on(
      "post",
      "/integrations/:id/chats/:chat_id/status",
      { summary: "Activate or deactivate a chat", params: ChatId, json: SetChatStatus, ok: Chat },
      async ({ ctx, params, json }) => chatView(await updateChat(ctx, params.id, params.chat_id, json)),
    )
    .on(
      "delete",
      "/integrations/:id/chats/:chat_id",
      { summary: "Delete a chat and its threads", params: ChatId, ok: Deleted },
      async ({ ctx, params }) => {
        await deleteChat(ctx, params.id, params.chat_id);
        return { id: params.chat_id, deleted: true as const };
      },
    );
