import { hmac, md5 } from "../../../src/lib/hash.ts";
import { fakeAt, FakeVendor, number, required, seconds, type Fields, type Said, type Sample } from "./fake-vendor.ts";

const accounts = new Map<string, { fake: FakeVendor; account: Fields; sent: Set<unknown> }>();

const refuse = (status: number, detail: string) => Response.json({ title: "Error", detail, status }, { status });

fakeAt("http://amocrm.test", (request, url) => {
  const [, subdomain] = url.pathname.split("/");
  const { fake, account } = accounts.get(subdomain!) ?? {};
  const isRight = request.headers.get("authorization") === `Bearer ${String(account?.["access_token"])}`;
  if (!fake || !isRight || fake.revoked) return refuse(401, "Unauthorized");
  return Response.json({ id: 7, name: "Shop", subdomain, amojo_id: `amojo-${subdomain}` });
});

fakeAt("http://amojo.test", async (request, url) => {
  const [, channel, scope, method] = /^\/v2\/origin\/custom\/([\w-]+?)(_[\w-]+)?(\/connect)?$/.exec(url.pathname) ?? [];
  const found = [...accounts.values()].find(({ account }) => account["channel_id"] === channel);
  const text = await request.text();
  if (!found || !(await isSigned(request, url, text, String(found.account["channel_secret"])))) {
    return Response.json({ error_description: "invalid signature" }, { status: 403 });
  }
  if (found.fake.revoked) return Response.json({ error_description: "channel is off" }, { status: 403 });
  const body = JSON.parse(text) as Fields;
  if (method) return connect(String(channel), body);
  return scope ? sendMessage(found, body) : refuse(404, "no scope");
});

async function isSigned(request: Request, url: URL, body: string, secret: string): Promise<boolean> {
  const header = (name: string) => request.headers.get(name) ?? "";
  const signed = ["POST", header("content-md5"), header("content-type"), header("date"), url.pathname].join("\n");
  const isFresh = Math.abs(Date.now() - Date.parse(header("date"))) < 15 * 60 * 1000;
  return (
    isFresh &&
    header("content-md5") === (await md5(body)) &&
    header("x-signature") === (await hmac("SHA-1", secret, signed))
  );
}

function connect(channel: string, body: Fields): Response {
  required(body, "account_id", "title", "hook_api_version");
  return Response.json({ ...body, scope_id: `${channel}_${String(body["account_id"])}` });
}

type Payload = {
  msgid: string;
  conversation_id: string;
  sender: Fields;
  timestamp: number;
  message: { type: string; text: string };
};

function sendMessage({ fake, sent }: { fake: FakeVendor; sent: Set<unknown> }, body: Fields): Response {
  const payload = body["payload"] as Payload;
  required(
    { ...payload, event_type: body["event_type"] },
    "event_type",
    "msgid",
    "conversation_id",
    "sender",
    "timestamp",
    "message",
  );
  required(payload.sender, "id", "name");
  if (fake.isLimited) return Response.json({}, { status: 429 });
  if (!sent.has(payload.msgid)) fake.send(payload.conversation_id, payload.message.text);
  sent.add(payload.msgid);
  return Response.json({ new_message: { conversation_id: payload.conversation_id, msgid: payload.msgid } });
}

const event = ({ chat, user, text, id, at }: Said, message: object = {}) =>
  JSON.stringify({
    account_id: "af9945ff",
    time: seconds(at),
    message: {
      sender: { id: user, name: "Ann" },
      receiver: { id: "client" },
      conversation: { id: `amo-${chat}`, client_id: chat },
      timestamp: seconds(at),
      msec_timestamp: at.getTime(),
      message: { id, type: "text", text, media: "", thumbnail: "", file_name: "", file_size: 0, ...message },
    },
  });

export const amocrm: Sample = {
  vendor: "amocrm",
  open: () => {
    const [fake, id] = [new FakeVendor(), number()];
    const auth_data = {
      subdomain: `shop${id}`,
      access_token: `amo-${id}`,
      channel_id: `channel-${id}`,
      channel_secret: `secret-${id}`,
    };
    accounts.set(auth_data.subdomain, { fake, account: auth_data, sent: new Set() });
    return { fake, auth_data };
  },
  chat: () => `conversation-${number()}`,
  says: (said) => event(said),
  ignored: (said) => [event(said, { text: "" }), JSON.stringify({ account_id: "a", action: { typing: { user: {} } } })],
  sign: async (body, account) => ({
    headers: { "x-signature": await hmac("SHA-1", String(account["channel_secret"]), body) },
  }),
  setsUp: false,
  tearsDown: false,
};
