import { callWorker, newProject, type Caller } from "./project.ts";
import { eventually } from "./eventually.ts";
import { parseTelegramHtml } from "./telegram-html.ts";
import { fakeVendors, type FakeModel } from "./upstream.ts";

const ORIGIN = "http://telegram.test";
const bots = new Map<string, FakeTelegram>();
let lastId = 1000;

type Fields = { [name: string]: unknown };
type BotCall = { method: string; fields: Fields; answer: Fields };

fakeVendors.set(ORIGIN, async (request) => {
  const [, file, token = "", rest = ""] = /^\/(file\/)?bot([^/]+)\/(.+)$/.exec(new URL(request.url).pathname) ?? [];
  const bot = bots.get(token);
  if (file) return bot ? bot.file(rest) : new Response("Not Found", { status: 404 });
  // A token of some test that is about something else.
  if (!bot && rest.endsWith("Webhook")) return Response.json({ ok: true, result: true });
  if (!bot) return refuse(401, "Unauthorized");
  return bot.call(rest, await request.json<Fields>());
});

const refuse = (error_code: number, description: string, parameters?: Fields) =>
  Response.json({ ok: false, error_code, description, ...(parameters ? { parameters } : {}) }, { status: error_code });

/** A bot at a fake Bot API that refuses what the real one refuses, and its people. */
export class FakeTelegram {
  readonly token = `${++lastId}:AAH-${crypto.randomUUID().replaceAll("-", "")}`;
  readonly calls: BotCall[] = [];
  readonly files = new Map<string, string>();
  webhook: { url: string; secret_token?: string; allowed_updates?: string[] } | null = null;
  /** Answers the next calls of a method in place of the fake. */
  readonly failures: { method: string; respond: () => Response | Promise<Response> }[] = [];
  revoked = false;
  readonly blockedBy = new Set<string>();

  constructor() {
    bots.set(this.token, this);
  }

  /** What people have been sent, in order. */
  get sent(): Fields[] {
    return this.calls
      .filter(({ method, answer }) => method === "sendMessage" && answer["ok"])
      .map(({ fields }) => fields);
  }

  get texts(): string[] {
    return this.sent.map(({ text }) => String(text));
  }

  countOf = (method: string) => this.calls.filter((call) => call.method === method).length;

  failOnce(method: string, code: number, description: string, parameters?: Fields): void {
    this.failures.push({ method, respond: () => refuse(code, description, parameters) });
  }

  async call(method: string, fields: Fields): Promise<Response> {
    const planned = this.failures.findIndex((failure) => failure.method === method);
    const response = planned >= 0 ? await this.failures.splice(planned, 1)[0]!.respond() : this.#answer(method, fields);
    this.calls.push({ method, fields, answer: await response.clone().json<Fields>() });
    return response;
  }

  file(path: string): Response {
    const content = this.files.get(path);
    return content === undefined ? new Response("Not Found", { status: 404 }) : new Response(content);
  }

  #answer(method: string, fields: Fields): Response {
    if (this.revoked) return refuse(401, "Unauthorized");
    switch (method) {
      case "getMe":
        return ok({ id: 77, is_bot: true, first_name: "Shop", username: "shop_bot" });
      case "setWebhook":
        return this.#setWebhook(fields);
      case "deleteWebhook":
        this.webhook = null;
        return ok(true);
      case "sendChatAction":
        return fields["chat_id"] && fields["action"] ? ok(true) : refuse(400, "Bad Request: chat_id is empty");
      case "answerCallbackQuery":
        return fields["callback_query_id"] ? ok(true) : refuse(400, "Bad Request: query is too old");
      case "editMessageReplyMarkup":
        return fields["message_id"] ? ok(true) : refuse(400, "Bad Request: message identifier is not specified");
      case "getFile":
        return this.files.has(`files/${String(fields["file_id"])}`)
          ? ok({ file_id: fields["file_id"], file_path: `files/${String(fields["file_id"])}` })
          : refuse(400, "Bad Request: invalid file_id");
      case "sendMessage":
        return this.#sendMessage(fields);
      default:
        return refuse(404, "Not Found");
    }
  }

  #setWebhook({ url, secret_token, allowed_updates }: Fields): Response {
    if (!String(url).startsWith("https://")) return refuse(400, "Bad Request: bad webhook: HTTPS url must be provided");
    if (!/^[\w-]{1,256}$/.test(String(secret_token))) return refuse(400, "Bad Request: secret token is not allowed");
    this.webhook = {
      url: String(url),
      secret_token: String(secret_token),
      allowed_updates: allowed_updates as string[],
    };
    return ok(true);
  }

  #sendMessage({ chat_id, text, parse_mode, reply_markup }: Fields): Response {
    if (typeof chat_id !== "string" || chat_id === "") return refuse(400, "Bad Request: chat_id is empty");
    if (this.blockedBy.has(chat_id)) return refuse(403, "Forbidden: bot was blocked by the user");
    const read = parse_mode === "HTML" ? parseTelegramHtml(String(text)) : { text: String(text) };
    if ("error" in read) return refuse(400, `Bad Request: can't parse entities: ${read.error}`);
    if (read.text.trim() === "") return refuse(400, "Bad Request: message text is empty");
    if (read.text.length > 4096) return refuse(400, "Bad Request: message is too long");
    for (const { callback_data } of buttonsOf(reply_markup)) {
      if (new TextEncoder().encode(callback_data).length > 64) return refuse(400, "Bad Request: BUTTON_DATA_INVALID");
    }
    return ok({ message_id: ++lastId, date: now(), chat: { id: chat_id }, text: read.text });
  }

  /** Telegram delivers an update, once or again. */
  async deliver(update: Fields, headers: Record<string, string> = {}): Promise<number> {
    if (!this.webhook) throw new Error("the webhook is not set");
    const response = await callWorker(
      new Request(this.webhook.url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-telegram-bot-api-secret-token": this.webhook.secret_token ?? "",
          ...headers,
        },
        body: JSON.stringify(update),
      }),
    );
    await response.text();
    return response.status;
  }
}

const ok = (result: unknown) => Response.json({ ok: true, result });
const now = () => Math.floor(Date.now() / 1000);

type Button = { text: string; callback_data: string };
export const buttonsOf = (markup: unknown): Button[] =>
  ((markup as { inline_keyboard?: Button[][] } | undefined)?.inline_keyboard ?? []).flat();

/** A bot's conversation with somebody who writes in Telegram. */
export class TelegramChat {
  readonly chatId = ++lastId;
  readonly user = { id: this.chatId, is_bot: false, first_name: "Ann", last_name: "Lee", username: "ann" };
  readonly project: Caller & { id: string };
  readonly telegram: FakeTelegram;
  readonly integrationId: string;
  readonly id: string;
  readonly botId: string;

  constructor(given: Pick<TelegramChat, "project" | "telegram" | "integrationId" | "id" | "botId">) {
    this.project = given.project;
    this.telegram = given.telegram;
    this.integrationId = given.integrationId;
    this.id = given.id;
    this.botId = given.botId;
  }

  /** A second person who writes to the same bot. */
  neighbour = () => new TelegramChat(this);

  message(content: Fields): Fields {
    const place = { chat: { id: this.chatId, type: "private" }, from: this.user };
    return { message_id: ++lastId, date: now(), ...place, ...content };
  }

  update = (content: Fields) => ({ update_id: ++lastId, ...content });

  async says(text: string): Promise<Fields> {
    const update = this.update({ message: this.message({ text }) });
    await this.telegram.deliver(update);
    return update;
  }

  async presses(data: string): Promise<void> {
    const message = this.message({ from: { id: 77, is_bot: true }, text: "?" });
    await this.telegram.deliver(
      this.update({ callback_query: { id: String(++lastId), from: this.user, data, message } }),
    );
  }

  /** What this person has got to read. */
  get got(): string[] {
    return this.telegram.sent
      .filter(({ chat_id }) => String(chat_id) === String(this.chatId))
      .map(({ text }) => String(text));
  }

  async threads(): Promise<{ id: string; mode: string }[]> {
    return (await this.project.get(`/chats/${this.id}/threads`)).json;
  }

  async threadId(): Promise<string> {
    return eventually(async () => {
      const [thread] = await this.threads();
      if (!thread) throw new Error("no thread yet");
      return thread.id;
    });
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- a test says what it expects
  async messages(): Promise<any[]> {
    return (await this.project.get(`/chats/${this.id}/threads/${await this.threadId()}/messages`)).json;
  }

  setMode = async (mode: string) =>
    this.project.post(`/chats/${this.id}/threads/${await this.threadId()}/mode`, { mode });
}

/** A bot that is reached through Telegram. */
export async function newTelegramChat(model?: FakeModel, ai: object = {}, settings: object = { debounce_ms: 0 }) {
  const [project, telegram] = [await newProject(), new FakeTelegram()];
  const { json: bot } = await project.post("/bots", { name: "Bot" });
  await project.post(`/bots/${bot.id}/settings`, { ai: { model: { id: model?.id }, ...ai } });
  const auth_data = { token: telegram.token };
  const { json: integration } = await project.post("/integrations", { name: "Shop", vendor: "telegram", auth_data });
  const { json: chat } = await project.post(`/integrations/${integration.id}/chats`, {
    bot_id: bot.id,
    name: "Shop",
    settings,
  });
  await eventually(() => {
    if (!telegram.webhook) throw new Error("no webhook yet");
  });
  return new TelegramChat({ project, telegram, integrationId: integration.id, id: chat.id, botId: bot.id });
}
