import { fakeAt, FakeVendor, number, required, type Fields, type Said, type Sample } from "./fake-vendor.ts";

const accounts = new Map<string, FakeVendor>();

const refuse = (error_code: number, error_msg: string) => Response.json({ error_code, error_msg, error_data: null });

fakeAt("http://ok.test", async (request, url) => {
  const fake = accounts.get(url.searchParams.get("access_token") ?? "");
  if (!fake || fake.revoked) return refuse(103, "PARAM_SESSION_KEY : Invalid session key");
  const path = decodeURIComponent(url.pathname.replace("/graph/me/", ""));
  if (request.method === "GET") {
    if (path === "subscriptions") return Response.json({ subscriptions: [] });
    return path === "info" ? Response.json({ uid: "77", name: "Shop" }) : refuse(3, "METHOD : Method does not exist");
  }
  if (!request.headers.get("content-type")?.startsWith("application/json")) return refuse(100, "PARAM : not JSON");
  const body = await request.json<Fields>();
  if (path === "subscribe" || path === "unsubscribe") {
    required(body, "url");
    const [url_, query] = String(body["url"]).split("?");
    fake.webhook = path === "subscribe" ? { url: url_!, secret: query! } : null;
    return Response.json({ success: true });
  }
  return sendMessage(fake, path, body);
});

function sendMessage(fake: FakeVendor, path: string, body: Fields): Response {
  required(body, "recipient", "message");
  const { recipient, message } = body as { recipient: { chat_id: string }; message: { text: string } };
  if (path !== `messages/${recipient.chat_id}`) return refuse(100, "PARAM : chat_id");
  if (fake.isLimited) return refuse(11, "LIMIT_REACHED");
  if (fake.unreachable) return refuse(457, "the user does not take messages");
  if (message.text === "" || message.text.length > 4096) return refuse(100, "PARAM : text");
  return Response.json({ success: true, message_id: fake.send(recipient.chat_id, message.text) });
}

const event = ({ chat, user, text, id, at }: Said, more: object = {}) =>
  JSON.stringify({
    webhookType: "MESSAGE_CREATED",
    sender: { user_id: `user:${user}`, name: "Ann" },
    recipient: { chat_id: chat },
    message: { text, seq: number(), mid: `mid:${id}`, attachments: [] },
    timestamp: at.getTime(),
    ...more,
  });

export const ok: Sample = {
  vendor: "ok",
  open: () => {
    const [fake, access_token] = [new FakeVendor(), `tkn${number()}`];
    accounts.set(access_token, fake);
    return { fake, auth_data: { access_token } };
  },
  chat: () => `chat:C${number()}`,
  says: (said) => event(said),
  ignored: (said) => [
    event(said, { webhookType: "MESSAGE_DELETED" }),
    event(said, { sender: { user_id: "group:77" } }),
  ],
  sign: async (_body, _account, webhook) => ({ query: webhook!.secret }),
  setsUp: true,
  tearsDown: true,
};
