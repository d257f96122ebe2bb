import { buttonsOf, FakeTelegram } from "../../helpers/telegram.ts";
import { FakeVendor, number, seconds, type Said, type Sample } from "./fake-vendor.ts";

/** The fake of the Bot API, as the contract's suite sees it. */
class TelegramFake extends FakeVendor {
  readonly bot = new FakeTelegram();

  constructor() {
    super();
    const bot = this.bot;
    Object.defineProperties(this, {
      sent: {
        get: () =>
          bot.sent.map(({ chat_id, text, reply_markup }) => ({
            to: chat_id,
            text,
            buttons: buttonsOf(reply_markup).map(({ callback_data }) => callback_data),
          })),
      },
      webhook: { get: () => bot.webhook && { url: bot.webhook.url, secret: bot.webhook.secret_token } },
      revoked: {
        set(revoked: boolean) {
          bot.revoked = revoked;
        },
      },
      limited: {
        set() {
          bot.failOnce("sendMessage", 429, "Too Many Requests", { retry_after: 1 });
        },
      },
      unreachable: {
        set() {
          bot.failOnce("sendMessage", 403, "Forbidden: bot was blocked by the user");
        },
      },
    });
  }
}

const message = ({ chat, user, text, id, at }: Said) => ({
  message_id: Number(id),
  date: seconds(at),
  chat: { id: Number(chat), type: "private" },
  from: { id: Number(user), is_bot: false, first_name: "Ann" },
  text,
});

export const telegram: Sample = {
  vendor: "telegram",
  open: () => {
    const fake = new TelegramFake();
    return { fake, auth_data: { token: fake.bot.token } };
  },
  chat: () => String(number()),
  says: (said) => JSON.stringify({ update_id: Number(said.id), message: message(said) }),
  ignored: (said) => [
    JSON.stringify({ update_id: number(), channel_post: message(said) }),
    JSON.stringify({ update_id: number(), message: { ...message(said), from: { id: 1, is_bot: true } } }),
  ],
  presses: (said, data) =>
    JSON.stringify({
      update_id: number(),
      callback_query: { id: said.id, from: message(said).from, data, message: message(said) },
    }),
  sign: async (_body, _account, webhook) => ({ headers: { "x-telegram-bot-api-secret-token": webhook!.secret } }),
  setsUp: true,
  tearsDown: true,
};
