import { fakeAt, FakeVendor, number, type Fields, type Said, type Sample } from "./fake-vendor.ts";

const accounts = new Map<string, FakeVendor>();

fakeAt("http://yandex.test", (request, url) => {
  const fake = accounts.get(request.headers.get("authorization")?.replace("OAuth ", "") ?? "");
  if (!fake || fake.revoked || url.pathname !== "/info") return new Response(null, { status: 401 });
  return Response.json({ id: "1000034426", login: "shop", client_id: "c", real_name: "Shop Keeper" });
});

const call = ({ chat, text, id }: Said, account: Fields, request: object = {}, session: object = {}) =>
  JSON.stringify({
    meta: {
      locale: "ru-RU",
      timezone: "Europe/Moscow",
      client_id: "ru.yandex.searchplugin/7.16 (none none; android 4.4.2)",
      interfaces: { screen: {}, account_linking: {} },
    },
    request: {
      command: text.toLowerCase(),
      original_utterance: text,
      nlu: { tokens: text.split(" "), entities: [], intents: {} },
      markup: { dangerous_context: false },
      type: "SimpleUtterance",
      ...request,
    },
    session: {
      message_id: Number(id),
      session_id: "2eac4854-fce721f3-b845abba-20d60",
      skill_id: account["skill_id"],
      user: { user_id: chat },
      application: { application_id: "47C73714B580ED2469056E71081159529FFC676A4E5B059D629A819E857DC2F8" },
      user_id: "47C73714B580ED2469056E71081159529FFC676A4E5B059D629A819E857DC2F8",
      new: false,
      ...session,
    },
    version: "1.0",
  });

type Button = { title?: unknown; url?: unknown; payload?: unknown; hide?: unknown };
type Answer = {
  version?: unknown;
  response?: { text?: unknown; tts?: unknown; buttons?: Button[]; end_session?: unknown };
};

/** What Alice does with an answer: reads it, or says that the skill does not answer. */
function hears(body: string): { text: string; buttons: string[] } {
  const { version, response } = JSON.parse(body) as Answer;
  const { text, tts, buttons = [], end_session } = response ?? {};
  if (version !== "1.0") throw new Error("version is required");
  if (typeof end_session !== "boolean") throw new Error("end_session is required");
  if (typeof text !== "string" || text.trim() === "" || text.length > 1024) throw new Error("bad text");
  if (tts !== undefined && (typeof tts !== "string" || tts.length > 1024)) throw new Error("bad tts");
  for (const { title, url } of buttons) {
    if (typeof title !== "string" || title === "" || title.length > 64) throw new Error("bad button title");
    if (url !== undefined && (typeof url !== "string" || new TextEncoder().encode(url).length > 1024))
      throw new Error("bad button url");
  }
  return { text, buttons: buttons.map(({ title }) => String(title)) };
}

export const yandex: Sample = {
  vendor: "yandex",
  open: () => {
    const [fake, token] = [new FakeVendor(), `y0_${number()}`];
    accounts.set(token, fake);
    return { fake, auth_data: { access_token: token, skill_id: `skill-${token}`, webhook_secret: `secret-${token}` } };
  },
  chat: () => `6C91DA5198D1758C6A9F63A7C5CDDF09359F683B13A18A151FBF4C8B092BB0C${number()}`,
  says: (said, account) => call(said, account),
  ignored: (said, account) => [
    call({ ...said, text: "" }, account, { original_utterance: "ping" }),
    call({ ...said, text: "" }, account, {}, { new: true }),
  ],
  sign: async (_body, account) => ({ query: `secret=${String(account["webhook_secret"])}` }),
  hears,
  setsUp: false,
  tearsDown: false,
};
