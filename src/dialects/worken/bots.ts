import * as z from "zod";
import {
  cloneBot,
  createBot,
  deleteBot,
  getBot,
  getBotSettings,
  listBots,
  updateBot,
  updateBotSettings,
} from "../../core/bots.ts";
import { answering } from "../../core/idempotency.ts";
import type { Api } from "../../http/route.ts";
import { pageView } from "./pages.ts";
import { Bot, BotSettings, CreateBot, Deleted, ListQuery, SetStatus, UpdateBot, UpdateBotSettings } from "./schemas.ts";
import { botSettingsFrom, botSettingsView, botView } from "./wire.ts";

const Id = z.object({ bot_id: z.string() });

export const bots = (api: Api) =>
  api
    .on("get", "/bots", { summary: "List bots", query: ListQuery, ok: z.array(Bot) }, async ({ c, ctx, query }) =>
      pageView(c, await listBots(ctx, query), botView),
    )
    .on("post", "/bots", { summary: "Create a bot", json: CreateBot, ok: Bot }, async ({ ctx, json }) =>
      botView(await createBot(answering(ctx, botView), json)),
    )
    .on("get", "/bots/:bot_id", { summary: "Get a bot", params: Id, ok: Bot }, async ({ ctx, params }) =>
      botView(await getBot(ctx, params.bot_id)),
    )
    .on(
      "post",
      "/bots/:bot_id",
      { summary: "Update a bot", params: Id, json: UpdateBot, ok: Bot },
      async ({ ctx, params, json }) => botView(await updateBot(ctx, params.bot_id, json)),
    )
    .on(
      "post",
      "/bots/:bot_id/status",
      { summary: "Update a bot's status", params: Id, json: SetStatus, ok: Bot },
      async ({ ctx, params, json }) => botView(await updateBot(ctx, params.bot_id, json)),
    )
    .on(
      "get",
      "/bots/:bot_id/settings",
      { summary: "Get a bot's settings", params: Id, ok: BotSettings },
      async ({ ctx, params }) => botSettingsView(await getBotSettings(ctx, params.bot_id)),
    )
    .on(
      "post",
      "/bots/:bot_id/settings",
      {
        summary: "Update a bot's settings",
        description:
          "Only what is given is changed; lists and the map of tools are replaced whole. Null takes back what a bot need not have: `fallbacks`, `follow_up`, `vector_store_ids`, `knowledge`, `budgets`.",
        params: Id,
        json: UpdateBotSettings,
        ok: BotSettings,
      },
      async ({ ctx, params, json }) =>
        botSettingsView(await updateBotSettings(ctx, params.bot_id, botSettingsFrom(json))),
    )
    .on("post", "/bots/:bot_id/clone", { summary: "Clone a bot", params: Id, ok: Bot }, async ({ ctx, params }) =>
      botView(await cloneBot(answering(ctx, botView), params.bot_id)),
    )
    .on(
      "post",
      "/bots/:bot_id/delete",
      { summary: "Delete a bot", params: Id, ok: Deleted },
      async ({ ctx, params }) => {
        const { id } = await deleteBot(ctx, params.bot_id);
        return { id, deleted: true as const };
      },
    );
