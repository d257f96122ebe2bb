import { parseTelegramHtml } from "../../helpers/telegram-html.ts";
import { fakeAt, FakeVendor, number, required, type Fields, type Said, type Sample } from "./fake-vendor.ts";

const accounts = new Map<string, FakeVendor>();

const refuse = (status: number, code: string, message: string) => Response.json({ code, message }, { status });

fakeAt("http://max.test", async (request, url) => {
  const fake = accounts.get(request.headers.get("authorization") ?? "");
  if (!fake || fake.revoked) return refuse(401, "verify.token", "Invalid access_token");
  if (url.pathname === "/me") return Response.json({ user_id: 77, name: "Shop", username: "shop_bot", is_bot: true });
  if (request.method === "DELETE") fake.webhook = null;
  if (request.method === "DELETE") return Response.json({ success: true });
  const body = await request.json<Fields>();
  if (url.pathname === "/subscriptions") {
    required(body, "url", "update_types", "secret");
    if (!/^[\w-]{5,256}$/.test(String(body["secret"]))) return refuse(400, "proto.payload", "secret");
    fake.webhook = { url: String(body["url"]), secret: String(body["secret"]) };
    return Response.json({ success: true });
  }
  if (/^\/chats\/\d+\/actions$/.test(url.pathname)) return Response.json({ success: body["action"] === "typing_on" });
  if (url.pathname === "/answers") return Response.json({ success: url.searchParams.has("callback_id") });
  return sendMessage(fake, url.searchParams.get("chat_id") ?? "", body);
});

type Attachment = { type: string; payload: { buttons: { type: string; text: string; payload: string }[][] } };

function sendMessage(fake: FakeVendor, chat: string, body: Fields): Response {
  required({ chat, ...body }, "chat", "text", "format");
  if (fake.isLimited) return refuse(429, "too.many.requests", "Too many requests");
  if (fake.unreachable) return refuse(403, "chat.denied", "error.dialog.suspended");
  const text = String(body["text"]);
  if (text.length > 4000 || "error" in parseTelegramHtml(text))
    return refuse(400, "proto.payload", "text: wrong markup");
  const [keyboard] = (body["attachments"] ?? []) as Attachment[];
  const mid = fake.send(
    chat,
    text,
    keyboard?.payload.buttons.flat().map(({ payload }) => payload),
  );
  return Response.json({ message: { recipient: { chat_id: Number(chat) }, body: { mid, seq: 1, text } } });
}

const message = ({ chat, user, text, id, at }: Said) => ({
  sender: { user_id: Number(user), name: "Ann", is_bot: false },
  recipient: { chat_id: Number(chat), chat_type: "dialog", user_id: 77 },
  timestamp: at.getTime(),
  body: { mid: `mid.${id}`, seq: number(), text, attachments: [] },
});

const update = (update_type: string, said: Said, more: object) =>
  JSON.stringify({ update_type, timestamp: said.at.getTime(), ...more });

export const max: Sample = {
  vendor: "max",
  open: () => {
    const [fake, token] = [new FakeVendor(), `f9LH${number()}`];
    accounts.set(token, fake);
    return { fake, auth_data: { token } };
  },
  chat: () => String(number()),
  says: (said) => update("message_created", said, { message: message(said) }),
  ignored: (said) => [
    update("message_removed", said, { message_id: "mid.1", chat_id: Number(said.chat) }),
    update("message_created", said, { message: { ...message(said), sender: { user_id: 77, is_bot: true } } }),
  ],
  presses: (said, payload) => {
    const callback = { timestamp: said.at.getTime(), callback_id: `c${said.id}`, payload, user: message(said).sender };
    return update("message_callback", said, { callback, message: message(said) });
  },
  sign: async (_body, _account, webhook) => ({ headers: { "x-max-bot-api-secret": webhook!.secret } }),
  setsUp: true,
  tearsDown: true,
};
