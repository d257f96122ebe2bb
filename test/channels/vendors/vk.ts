import { callWorker } from "../../helpers/project.ts";
import { fakeAt, FakeVendor, number, required, seconds, type Fields, type Said, type Sample } from "./fake-vendor.ts";

const accounts = new Map<string, { fake: FakeVendor; groupId: number; random: Set<string> }>();

const ok = (response: unknown) => Response.json({ response });
const refuse = (error_code: number, error_msg: string) =>
  Response.json({ error: { error_code, error_msg, request_params: [] } });

fakeAt("http://vk.test", async (request, url) => {
  const fields = Object.fromEntries(await request.formData()) as Record<string, string>;
  const found = accounts.get(fields["access_token"] ?? "");
  if (!found || found.fake.revoked) return refuse(5, "User authorization failed: invalid access_token (4).");
  if (fields["v"] !== "5.199") return refuse(8, "Invalid request: v is required");
  const { fake, groupId, random } = found;
  switch (url.pathname) {
    case "/method/groups.getById":
      return ok({ groups: [{ id: groupId, name: "Shop", screen_name: "shop" }], profiles: [] });
    case "/method/groups.getCallbackConfirmationCode":
      return ok({ code: `code-${groupId}` });
    case "/method/groups.addCallbackServer":
      return addServer(fake, groupId, fields);
    case "/method/groups.setCallbackSettings":
      required(fields, "group_id", "server_id", "api_version", "message_new");
      return ok(1);
    case "/method/groups.deleteCallbackServer":
      required(fields, "group_id", "server_id");
      fake.webhook = null;
      return ok(1);
    case "/method/messages.setActivity":
    case "/method/messages.sendMessageEventAnswer":
      return ok(1);
    case "/method/messages.send":
      return sendMessage(fake, random, fields);
    default:
      return refuse(3, "Unknown method passed");
  }
});

/** VK asks at once for the confirmation code. */
async function addServer(fake: FakeVendor, groupId: number, fields: Record<string, string>): Promise<Response> {
  required(fields, "group_id", "url", "title", "secret_key");
  if (fields["title"]!.length > 14 || fields["secret_key"]!.length > 50)
    return refuse(100, "One of the parameters is invalid");
  const answer = await callWorker(
    new Request(fields["url"]!, { method: "POST", body: JSON.stringify({ type: "confirmation", group_id: groupId }) }),
  );
  if ((await answer.text()) !== `code-${groupId}`) return refuse(2000, "Cannot confirm the server");
  fake.webhook = { url: fields["url"]!, secret: fields["secret_key"]! };
  return ok({ server_id: 3 });
}

function sendMessage(fake: FakeVendor, random: Set<string>, fields: Record<string, string>): Response {
  required(fields, "peer_id", "random_id", "message");
  if (fake.isLimited) return refuse(6, "Too many requests per second");
  if (fake.unreachable) return refuse(901, "Can't send messages for users without permission");
  if (fields["message"]!.length > 4096) return refuse(914, "Message is too long");
  if (!/^\d{1,9}$/.test(fields["random_id"]!)) return refuse(100, "random_id is not an integer");
  if (random.has(fields["random_id"]!)) return ok(1);
  random.add(fields["random_id"]!);
  const keyboard = JSON.parse(fields["keyboard"] ?? '{"buttons":[[]]}') as {
    buttons: { action: { payload: string } }[][];
  };
  fake.send(
    fields["peer_id"]!,
    fields["message"]!,
    keyboard.buttons.flat().map(({ action }) => action.payload),
  );
  return ok(number());
}

const event = (type: string, account: Fields, object: object, id: string | number = number()) =>
  JSON.stringify({
    type,
    group_id: account["group_id"],
    event_id: `e-${id}`,
    v: "5.199",
    secret: account["secret"],
    object,
  });

const message = ({ chat, user, text, id, at }: Said) => ({
  date: seconds(at),
  from_id: Number(user),
  id: Number(id),
  peer_id: Number(chat),
  conversation_message_id: Number(id),
  text,
  attachments: [],
});

export const vk: Sample = {
  vendor: "vk",
  open: () => {
    const [fake, groupId] = [new FakeVendor(), number()];
    const auth_data = { access_token: `vk1.a.${groupId}`, group_id: groupId, secret: `s-${groupId}` };
    accounts.set(auth_data.access_token, { fake, groupId, random: new Set() });
    return { fake, auth_data };
  },
  chat: () => String(number()),
  says: (said, account) => event("message_new", account, { message: message(said), client_info: {} }, said.id),
  ignored: (said, account) => [
    event("message_new", account, { message: { ...message(said), from_id: -Number(account["group_id"]) } }),
    event("message_reply", account, message(said)),
    event("wall_post_new", account, { id: 1, text: "news" }),
  ],
  presses: (said, payload, account) =>
    event("message_event", account, {
      user_id: Number(said.user),
      peer_id: Number(said.chat),
      event_id: "press",
      payload: JSON.parse(payload) as object,
    }),
  sign: async () => ({}),
  setsUp: true,
  tearsDown: true,
};
