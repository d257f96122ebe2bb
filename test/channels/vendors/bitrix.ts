import { fakeAt, FakeVendor, number, required, seconds, type Fields, type Said, type Sample } from "./fake-vendor.ts";

const accounts = new Map<string, FakeVendor>();

const refuse = (status: number, error: string) => Response.json({ error, error_description: `${error}!` }, { status });

fakeAt("http://shop.bitrix24.test", async (request, url) => {
  const [, , , token, method] = url.pathname.split("/");
  const fake = accounts.get(token!);
  if (!fake || fake.revoked) return refuse(401, "INVALID_CREDENTIALS");
  const body = await request.json<Fields>();
  switch (method) {
    case "profile.json":
      return Response.json({ result: { ID: "1", NAME: "Shop", LAST_NAME: "Owner" } });
    case "imbot.register.json": {
      required(body, "CODE", "EVENT_HANDLER", "PROPERTIES", "CLIENT_ID");
      const [address, secret] = String(body["EVENT_HANDLER"]).split("?");
      fake.webhook = { url: address!, secret: secret! };
      return Response.json({ result: 39 });
    }
    case "imbot.unregister.json":
      required(body, "BOT_ID", "CLIENT_ID");
      fake.webhook = null;
      return Response.json({ result: true });
    case "imbot.chat.sendTyping.json":
      return Response.json({ result: true });
    case "imbot.message.add.json":
      return sendMessage(fake, body);
    default:
      return refuse(404, "ERROR_METHOD_NOT_FOUND");
  }
});

function sendMessage(fake: FakeVendor, body: Fields): Response {
  required(body, "BOT_ID", "CLIENT_ID", "DIALOG_ID", "MESSAGE");
  if (fake.isLimited) return refuse(503, "QUERY_LIMIT_EXCEEDED");
  if (fake.unreachable) return refuse(400, "ACCESS_DENIED");
  fake.send(String(body["DIALOG_ID"]), String(body["MESSAGE"]));
  return Response.json({ result: number() });
}

const event = (name: string, { chat, user, text, id, at }: Said, more: Record<string, string> = {}) =>
  new URLSearchParams({
    event: name,
    "data[BOT][39][BOT_ID]": "39",
    "data[PARAMS][DIALOG_ID]": chat,
    "data[PARAMS][MESSAGE_ID]": id,
    "data[PARAMS][MESSAGE]": text,
    "data[PARAMS][FROM_USER_ID]": user,
    "data[USER][ID]": user,
    "data[USER][NAME]": "Ann",
    ts: String(seconds(at)),
    "auth[domain]": "shop.bitrix24.test",
    ...more,
  }).toString();

export const bitrix: Sample = {
  vendor: "bitrix",
  origin: "http://shop.bitrix24.test",
  open: () => {
    const [fake, token] = [new FakeVendor(), `token${number()}`];
    accounts.set(token, fake);
    return { fake, auth_data: { webhook_url: `http://shop.bitrix24.test/rest/1/${token}/` } };
  },
  chat: () => String(number()),
  contentType: "application/x-www-form-urlencoded",
  says: (said) => event("ONIMBOTMESSAGEADD", said),
  ignored: (said) => [event("ONIMBOTJOINCHAT", said), event("ONIMBOTMESSAGEADD", said, { "data[USER][IS_BOT]": "Y" })],
  sign: async (_body, _account, webhook) => ({ query: webhook!.secret }),
  setsUp: true,
  tearsDown: true,
};
