import { fakeAt, FakeVendor, number, required, seconds, type Fields, type Said, type Sample } from "./fake-vendor.ts";

const accounts = new Map<string, { fake: FakeVendor; secret: string; userId: number }>();

const refuse = (status: number, message: string) => Response.json({ error: { code: status, message } }, { status });

fakeAt("http://avito.test", async (request, url) => {
  if (url.pathname === "/token") return token(await request.formData());
  const id = request.headers.get("authorization")?.replace(/^Bearer token-/, "") ?? "";
  const { fake, userId } = accounts.get(id) ?? {};
  if (!fake || fake.revoked) return refuse(401, "invalid access token");
  if (url.pathname === "/core/v1/accounts/self") return Response.json({ id: userId, name: "Shop", email: "shop@a.ru" });
  const body = await request.json<Fields>();
  if (url.pathname === "/messenger/v3/webhook") {
    required(body, "url");
    const [address, secret] = String(body["url"]).split("?");
    fake.webhook = { url: address!, secret: secret! };
    return Response.json({ ok: true });
  }
  if (url.pathname === "/messenger/v1/webhook/unsubscribe") fake.webhook = null;
  if (url.pathname === "/messenger/v1/webhook/unsubscribe") return Response.json({ ok: true });
  const [, chat] = new RegExp(`^/messenger/v1/accounts/${userId}/chats/([^/]+)/messages$`).exec(url.pathname) ?? [];
  return chat ? sendMessage(fake, decodeURIComponent(chat), body) : refuse(404, "not found");
});

function token(form: FormData): Response {
  const known = accounts.get(form.get("client_id") as string);
  const isRight = form.get("grant_type") === "client_credentials" && form.get("client_secret") === known?.secret;
  if (!isRight || known.fake.revoked) return Response.json({ error: "invalid_client" }, { status: 400 });
  return Response.json({
    access_token: `token-${form.get("client_id") as string}`,
    expires_in: 86400,
    token_type: "Bearer",
  });
}

function sendMessage(fake: FakeVendor, chat: string, body: Fields): Response {
  required(body, "message", "type");
  if (fake.isLimited) return refuse(429, "too many requests");
  if (fake.unreachable) return refuse(404, "chat not found");
  const { text } = body["message"] as { text: string };
  if (text === "" || text.length > 1000) return refuse(400, "message is too long");
  return Response.json({ id: fake.send(chat, text), created: 1, direction: "out", type: "text", content: { text } });
}

const event = ({ chat, user, text, id, at }: Said, account: Fields, more: object = {}, type = "message") =>
  JSON.stringify({
    id: `event-${id}`,
    version: "v3.0.0",
    timestamp: seconds(at),
    payload: {
      type,
      value: {
        id,
        chat_id: chat,
        user_id: accounts.get(String(account["client_id"]))!.userId,
        author_id: Number(user),
        created: seconds(at),
        type: "text",
        chat_type: "u2i",
        content: { text },
        item_id: 1,
        ...more,
      },
    },
  });

export const avito: Sample = {
  vendor: "avito",
  open: () => {
    const [fake, userId] = [new FakeVendor(), number()];
    const auth_data = { client_id: `client-${userId}`, client_secret: `secret-${userId}` };
    accounts.set(auth_data.client_id, { fake, secret: auth_data.client_secret, userId });
    return { fake, auth_data };
  },
  chat: () => `u2i-${number()}~x`,
  says: (said, account) => event(said, account),
  ignored: (said, account) => [
    event(said, account, { author_id: accounts.get(String(account["client_id"]))!.userId }),
    event(said, account, { author_id: 0, type: "system" }),
    event(said, account, {}, "chat_read"),
  ],
  sign: async (_body, _account, webhook) => ({ query: webhook!.secret }),
  setsUp: true,
  tearsDown: true,
};
