import { hmac } from "../../../src/lib/hash.ts";
import { callWorker } from "../../helpers/project.ts";
import { fakeAt, FakeVendor, number, required, seconds, type Fields, type Said, type Sample } from "./fake-vendor.ts";

const accounts = new Map<string, { fake: FakeVendor; account: Fields }>();

const refuse = (status: number, code: number, message: string) =>
  Response.json({ error: { message, type: "OAuthException", code, fbtrace_id: "A" } }, { status });

fakeAt("http://whatsapp.test", async (request, url) => {
  const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
  const { fake, account } = accounts.get(token) ?? {};
  if (!fake || !account || fake.revoked) return refuse(401, 190, "Error validating access token");
  const [, version, id, method] = url.pathname.split("/");
  if (version !== "v21.0") return refuse(400, 2635, "unknown version");
  if (id === account["waba_id"] && method === "subscribed_apps") return subscribe(fake, await request.json<Fields>());
  if (id !== account["phone_number_id"]) return refuse(400, 100, "Unsupported get request");
  if (!method) return Response.json({ id, display_phone_number: "+1 555", verified_name: "Shop" });
  return sendMessage(fake, await request.json<Fields>());
});

/** Meta asks at once whether the address is ours. */
async function subscribe(
  fake: FakeVendor,
  { override_callback_uri: uri, verify_token: token }: Fields,
): Promise<Response> {
  const query = new URLSearchParams({
    "hub.mode": "subscribe",
    "hub.verify_token": String(token),
    "hub.challenge": "1158",
  });
  const answer = await callWorker(new Request(`${String(uri)}?${query.toString()}`));
  if ((await answer.text()) !== "1158") return refuse(400, 2200, "Callback verification failed");
  fake.webhook = { url: String(uri), secret: String(token) };
  return Response.json({ success: true });
}

function sendMessage(fake: FakeVendor, body: Fields): Response {
  required(body, "messaging_product", "to", "type");
  if (fake.isLimited) return refuse(400, 130429, "Rate limit hit");
  if (fake.unreachable) return refuse(400, 131026, "Message undeliverable");
  const { text, interactive } = body as { text?: { body: string }; interactive?: Interactive };
  const said = text?.body ?? interactive!.body.text;
  if (said.length > (text ? 4096 : 1024) || said === "") return refuse(400, 100, "Param text['body'] is wrong");
  const replies = interactive?.action.buttons.map(({ reply }) => reply) ?? [];
  if (replies.some(({ id, title }) => id.length > 256 || title.length > 20)) return refuse(400, 131009, "bad button");
  const id = fake.send(
    String(body["to"]),
    said,
    replies.map((reply) => reply.id),
  );
  return Response.json({ messaging_product: "whatsapp", contacts: [], messages: [{ id }] });
}

type Interactive = { body: { text: string }; action: { buttons: { reply: { id: string; title: string } }[] } };

const call = (account: Fields, value: object) =>
  JSON.stringify({
    object: "whatsapp_business_account",
    entry: [
      {
        id: account["waba_id"],
        changes: [
          {
            field: "messages",
            value: {
              messaging_product: "whatsapp",
              metadata: { display_phone_number: "1555", phone_number_id: account["phone_number_id"] },
              ...value,
            },
          },
        ],
      },
    ],
  });

const message = ({ user, text, id, at }: Said) => ({
  from: user,
  id: `wamid.${id}`,
  timestamp: String(seconds(at)),
  type: "text",
  text: { body: text },
});

export const whatsapp: Sample = {
  vendor: "whatsapp",
  open: () => {
    const [fake, id] = [new FakeVendor(), String(number())];
    const auth_data = {
      access_token: `EAAG${id}`,
      phone_number_id: id,
      app_secret: `app-${id}`,
      waba_id: `waba-${id}`,
    };
    accounts.set(auth_data.access_token, { fake, account: auth_data });
    return { fake, auth_data };
  },
  chat: () => `7900${number()}`,
  says: (said, account) =>
    call(account, {
      contacts: [{ profile: { name: "Ann" }, wa_id: said.chat }],
      messages: [{ ...message(said), from: said.chat }],
    }),
  ignored: (said, account) => [
    call(account, {
      statuses: [{ id: `wamid.${said.id}`, status: "delivered", timestamp: "1", recipient_id: said.chat }],
    }),
    call({ ...account, phone_number_id: "another" }, { messages: [message(said)] }),
    call(account, { messages: [{ ...message(said), type: "reaction", text: undefined, reaction: { emoji: "👍" } }] }),
  ],
  presses: (said, id, account) => {
    const interactive = { type: "button_reply", button_reply: { id, title: "Yes" } };
    return call(account, {
      messages: [{ ...message(said), from: said.chat, type: "interactive", text: undefined, interactive }],
    });
  },
  sign: async (body, account) => ({
    headers: { "x-hub-signature-256": `sha256=${await hmac("SHA-256", String(account["app_secret"]), body)}` },
  }),
  setsUp: true,
  tearsDown: false,
};
