import * as z from "zod";
import { getChat, listChats } from "../../core/chats.ts";
import { deleteThread, listMessages, listThreads, setMode, stopTurn } from "../../core/threads.ts";
import type { Api } from "../../http/route.ts";
import { pageView } from "./pages.ts";
import { Chat, Deleted, ListQuery, MessageQuery, Message, SetMode, Stopped, Thread, ThreadId } from "./schemas.ts";
import { chatView, messageViews, threadView } from "./wire.ts";

const ChatId = z.object({ chat_id: z.string() });
export const ThreadOfChat = ChatId.extend({ thread_id: ThreadId });

export const threadOf = (params: z.output<typeof ThreadOfChat>) => ({ id: params.thread_id, chatId: params.chat_id });

export const chats = (api: Api) =>
  api
    .on("get", "/chats", { summary: "List chats", query: ListQuery, ok: z.array(Chat) }, async ({ c, ctx, query }) =>
      pageView(c, await listChats(ctx, query), chatView),
    )
    .on("get", "/chats/:chat_id", { summary: "Get a chat", params: ChatId, ok: Chat }, async ({ ctx, params }) =>
      chatView(await getChat(ctx, params.chat_id)),
    )
    .on(
      "get",
      "/chats/:chat_id/threads",
      { summary: "List threads in a chat", params: ChatId, query: ListQuery, ok: z.array(Thread) },
      async ({ c, ctx, params, query }) => {
        const chat = await getChat(ctx, params.chat_id);
        return pageView(c, await listThreads(ctx, { ...query, chatId: chat.id }), threadView);
      },
    )
    .on(
      "get",
      "/chats/:chat_id/threads/:thread_id/messages",
      {
        summary: "Get a thread's messages",
        description:
          "Oldest first, if not asked otherwise. A page counts messages; rows of the role `tool` come with the message they belong to.",
        params: ThreadOfChat,
        query: MessageQuery,
        ok: z.array(Message),
      },
      async ({ c, ctx, params, query }) =>
        pageView(c, await listMessages(ctx, threadOf(params), query), (message) =>
          query.order === "asc" ? messageViews(message) : messageViews(message).toReversed(),
        ).flat(),
    )
    .on(
      "post",
      "/chats/:chat_id/threads/:thread_id/mode",
      {
        summary: "Set a thread's mode",
        description: "Once this is answered, no answer of the bot appears in a mode other than `auto`.",
        params: ThreadOfChat,
        json: SetMode,
        ok: SetMode,
        once: "thread",
      },
      async ({ ctx, params, json }) => {
        await setMode(ctx, threadOf(params), json.mode);
        return json;
      },
    )
    .on(
      "post",
      "/chats/:chat_id/threads/:thread_id/stop",
      { summary: "Stop the running answer, keeping what it said", params: ThreadOfChat, ok: Stopped, once: "thread" },
      async ({ ctx, params }) => ({ stopped: await stopTurn(ctx, threadOf(params)) }),
    )
    .on(
      "post",
      "/chats/:chat_id/threads/:thread_id/delete",
      { summary: "Delete a thread and its messages", params: ThreadOfChat, ok: Deleted },
      async ({ ctx, params }) => {
        await deleteThread(ctx, threadOf(params));
        return { id: params.thread_id, deleted: true as const };
      },
    );
