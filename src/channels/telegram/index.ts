import type { Outgoing, VendorMessage } from "../../core/channels/channels.ts";
import { ChannelFailure } from "../../core/channels/channels.ts";
import type { Json } from "../../core/messages.ts";
import { sameSecret } from "../../lib/hash.ts";
import { truncate } from "../../lib/text.ts";
import { MESSENGER_DEBOUNCE_MS, type Account, type Channel } from "../channel.ts";
import { cutIntoPieces } from "../pieces.ts";
import { approvalQuestion, decisionPayload, NO, YES } from "../questions.ts";
import { reach } from "../vendor-call.ts";
import { callBot, ChatMoved, fileUrl, isAboutMarkup } from "./api.ts";
import { TELEGRAM_HTML } from "./html.ts";
import { ALLOWED_UPDATES, readUpdate, type Update } from "./read.ts";

type Bot = { id: number; first_name: string; username?: string };

/** A bot of the Telegram Bot API, https://core.telegram.org/bots/api. */
export const telegram: Channel = {
  capabilities: {
    typingMs: 4500,
    buttons: true,
    edits: true,
    files: true,
    maxTextLength: 4096,
    debounceMs: MESSENGER_DEBOUNCE_MS,
  },

  verify: async ({ secrets }, { headers }) =>
    sameSecret(headers.get("x-telegram-bot-api-secret-token") ?? "", secrets.webhookSecret),

  read: (_account, { body }) => readUpdate(JSON.parse(body) as Update),

  compose: (_account, outgoing) => compose(outgoing),

  async send(account, chatKey, message) {
    const [chatId, topic] = chatKey.split("/");
    const { plain, ...html } = message;
    const place = { chat_id: chatId, ...(topic ? { message_thread_id: Number(topic) } : {}) };
    try {
      return await sendMessage(account, { ...place, ...html });
    } catch (error) {
      if (error instanceof ChatMoved) return sendMessage(account, { ...place, ...html, chat_id: error.chatId });
      if (!isAboutMarkup(error)) throw error;
      const { parse_mode: _, ...others } = html;
      return sendMessage(account, { ...place, ...others, text: plain });
    }
  },

  async typing(account, chatKey) {
    const [chatId, topic] = chatKey.split("/");
    const place = { chat_id: chatId, ...(topic ? { message_thread_id: Number(topic) } : {}) };
    await callBot(account, "sendChatAction", { ...place, action: "typing" });
  },

  /** Takes the buttons away, and ends the little clock on the one that was pressed. */
  async acknowledge(account, receipt, text) {
    const { queryId, chatId, messageId } = receipt as { [key: string]: Json };
    await callBot(account, "answerCallbackQuery", { callback_query_id: queryId, text: truncate(text, 200) });
    await callBot(account, "editMessageReplyMarkup", { chat_id: chatId, message_id: messageId });
  },

  async download(account, ref) {
    const { file_path } = await callBot<{ file_path?: string }>(account, "getFile", { file_id: ref });
    if (!file_path) throw new ChannelFailure("refused", "Telegram: the file cannot be downloaded");
    const response = await reach(account, fileUrl(account, file_path));
    if (!response.ok) throw new ChannelFailure("temporary", `Telegram: the file answers ${response.status}`);
    return response;
  },

  async profile(account) {
    const { id, first_name, username } = await callBot<Bot>(account, "getMe");
    return { id: String(id), name: first_name, username };
  },

  async setUp(account, url) {
    const secret = { secret_token: account.secrets.webhookSecret };
    await callBot(account, "setWebhook", { url, ...secret, allowed_updates: ALLOWED_UPDATES });
    return {};
  },

  async tearDown(account) {
    await callBot(account, "deleteWebhook");
  },
};

async function sendMessage(account: Account, parameters: object): Promise<string> {
  const { message_id } = await callBot<{ message_id: number }>(account, "sendMessage", parameters);
  return String(message_id);
}

function compose(outgoing: Outgoing): VendorMessage[] {
  if (outgoing.type === "text") return cutIntoPieces(outgoing.text, TELEGRAM_HTML).map(asHtml);
  const { approvalId } = outgoing;
  const button = ({ label, approved }: typeof YES) => ({
    text: label,
    callback_data: decisionPayload(approvalId, approved),
  });
  const inline_keyboard = [[button(YES), button(NO)]];
  return cutIntoPieces(approvalQuestion(outgoing), TELEGRAM_HTML)
    .slice(0, 1)
    .map((piece) => ({ ...asHtml(piece), reply_markup: { inline_keyboard } }));
}

const asHtml = ({ text, plain }: { text: string; plain: string }) => ({ text, plain, parse_mode: "HTML" });
