import { fakeAt, FakeVendor, number, type Fields, type Said, type Sample } from "./fake-vendor.ts";

const accounts = new Map<string, FakeVendor>();

fakeAt("http://sber.test", async (request, url) => {
  const basic = atob(request.headers.get("authorization")?.replace("Basic ", "") ?? "");
  const fake = accounts.get(basic);
  const isWhole = request.headers.has("rquid") && (await request.formData()).has("scope");
  if (url.pathname !== "/api/v2/oauth" || !isWhole) return Response.json({ code: 1, message: "bad" }, { status: 400 });
  if (!fake || fake.revoked) return Response.json({ code: 6, message: "credentials doesn't match" }, { status: 401 });
  return Response.json({ access_token: "eyJ", expires_at: Date.now() + 1_800_000 });
});

const call = ({ chat, text, id }: Said, account: Fields, messageName = "MESSAGE_TO_SKILL", payload: object = {}) =>
  JSON.stringify({
    sessionId: "86024848-c12b-4056-b58b-93c69b412314",
    messageId: Number(id),
    uuid: { userChannel: "B2C", sub: chat, userId: "123" },
    messageName,
    payload: {
      app_info: { projectId: account["project_id"], applicationId: "a", appversionId: "v", frontendType: "DIALOG" },
      intent: "talk",
      original_intent: "talk",
      intent_meta: {},
      meta: { time: { timezone_id: "Europe/Moscow", timezone_offset_sec: 10800, timestamp: 1432233446145000 } },
      projectName: "shop",
      device: { platformType: "ANDROID", platformVersion: "9", surface: "SBERBOX", features: {}, capabilities: {} },
      message: { original_text: text, normalized_text: text.toLowerCase(), asr_normalized_message: text },
      new_session: false,
      ...payload,
    },
  });

type Item = { bubble?: { text?: unknown } };
type Button = { title?: unknown; action?: { type?: unknown; text?: unknown; deep_link?: unknown } };
type Answer = {
  messageName?: unknown;
  sessionId?: unknown;
  messageId?: unknown;
  uuid?: unknown;
  payload?: { pronounceText?: unknown; items?: Item[]; suggestions?: { buttons?: Button[] }; device?: unknown };
};

/** What an assistant of Salute does with an answer. */
function hears(body: string): { text: string; buttons: string[] } {
  if (/\bnull\b/.test(body.replaceAll(/"(?:[^"\\]|\\.)*"/g, ""))) throw new Error("null is not allowed");
  const { messageName, sessionId, messageId, uuid, payload } = JSON.parse(body) as Answer;
  if (messageName === "NOTHING_FOUND") return { text: "", buttons: [] };
  if (messageName !== "ANSWER_TO_USER" || typeof sessionId !== "string" || messageId === undefined || !uuid)
    throw new Error("not an answer to the call");
  const { pronounceText, items = [], suggestions, device } = payload ?? {};
  if (typeof pronounceText !== "string" || pronounceText === "" || pronounceText.length > 1024)
    throw new Error("bad pronounceText");
  if (!device) throw new Error("device is required");
  const texts = items.map(({ bubble }) => {
    if (typeof bubble?.text !== "string" || bubble.text === "") throw new Error("bad bubble");
    return bubble.text;
  });
  const buttons = (suggestions?.buttons ?? []).map(({ title, action }) => {
    if (typeof title !== "string" || (action?.type === "text" ? !action.text : !action?.deep_link))
      throw new Error("bad button");
    return title;
  });
  return { text: texts.join("\n\n"), buttons };
}

export const sber: Sample = {
  vendor: "sber",
  open: () => {
    const [fake, id] = [new FakeVendor(), `client-${number()}`];
    accounts.set(`${id}:shh`, fake);
    const auth_data = { client_id: id, client_secret: "shh", project_id: `p-${id}`, webhook_secret: `secret-${id}` };
    return { fake, auth_data };
  },
  name: "GigaChat",
  chat: () => `d2d6da62-6bdd-452b-b5dd-${number()}`,
  says: (said, account) => call(said, account),
  ignored: (said, account) => [
    call({ ...said, text: "" }, account, "RUN_APP"),
    call(said, account, "SERVER_ACTION", { server_action: { action_id: "x", parameters: {} } }),
  ],
  sign: async (_body, account) => ({ query: `secret=${String(account["webhook_secret"])}` }),
  hears,
  setsUp: false,
  tearsDown: false,
};
