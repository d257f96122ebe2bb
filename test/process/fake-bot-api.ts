import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/**
 * A Bot API and its one bot, as a process of its own. Written from Telegram's documentation alone: it knows nothing of the
 * server it is used with. People write through `POST /people/<id>`; what they have been sent is at `GET /people/<id>`.
 */
const [port = "0", token = ""] = process.argv.slice(2);

type Fields = Record<string, unknown>;
type Sent = { at: number; text: string; buttons: unknown };
type Waiting = { update: Fields; chat: number; times: number };

let webhook: { url: string; secret: string } | null = null;
let lastId = 1;
const sent = new Map<number, Sent[]>();
const typing = new Map<number, number>();
const queue: Waiting[] = [];
/** How long the bot is told that it sends too much, from its next message on; until when it is, in milliseconds. */
let limitMs = 0;
let limitedUntil = 0;
let limitedCalls = 0;

class Refusal extends Error {
  readonly code: number;
  readonly parameters: Fields;

  constructor(code: number, message: string, parameters: Fields = {}) {
    super(message);
    this.code = code;
    this.parameters = parameters;
  }
}

const methods: Record<string, (fields: Fields) => unknown> = {
  getMe: () => ({ id: 1, is_bot: true, first_name: "Lighthouse", username: "lighthouse_bot" }),
  setWebhook: ({ url, secret_token }) => {
    if (typeof url !== "string" || url === "") throw new Refusal(400, "Bad Request: bad webhook");
    if (!/^[A-Za-z0-9_-]{1,256}$/.test(String(secret_token))) throw new Refusal(400, "Bad Request: bad secret token");
    webhook = { url, secret: String(secret_token) };
    return true;
  },
  deleteWebhook: () => {
    webhook = null;
    return true;
  },
  sendChatAction: ({ chat_id, action }) => {
    if (action !== "typing") throw new Refusal(400, "Bad Request: wrong parameter action in request");
    typing.set(Number(chat_id), (typing.get(Number(chat_id)) ?? 0) + 1);
    return true;
  },
  sendMessage: (fields) => {
    if (limitMs > 0) [limitedUntil, limitMs] = [Date.now() + limitMs, 0];
    if (Date.now() < limitedUntil) {
      limitedCalls += 1;
      const retry_after = Math.ceil((limitedUntil - Date.now()) / 1000);
      throw new Refusal(429, `Too Many Requests: retry after ${retry_after}`, { retry_after });
    }
    const chat = Number(fields["chat_id"]);
    if (!sent.has(chat)) throw new Refusal(400, "Bad Request: chat not found");
    const given = typeof fields["text"] === "string" ? fields["text"] : "";
    const text = fields["parse_mode"] === "HTML" ? withoutTags(given) : given;
    if (text.trim() === "") throw new Refusal(400, "Bad Request: message text is empty");
    if (text.length > 4096) throw new Refusal(400, "Bad Request: message is too long");
    sent.get(chat)!.push({ at: Date.now(), text, buttons: fields["reply_markup"] });
    return { message_id: ++lastId, date: seconds(), chat: { id: chat, type: "private" }, text };
  },
};

const seconds = () => Math.floor(Date.now() / 1000);

/** Every tag that is opened is closed, in the right order; everything else that looks like one is refused. */
function withoutTags(html: string): string {
  const open: string[] = [];
  const text = html.replaceAll(
    /<(\/?)(b|i|s|u|a|code|pre|blockquote)((?: [a-z]+="[^"]*")*)>/g,
    (_, close: string, name: string) => {
      if (!close) open.push(name);
      else if (open.pop() !== name)
        throw new Refusal(400, `Bad Request: can't parse entities: unmatched end tag ${name}`);
      return "";
    },
  );
  if (open.length > 0 || /<|&(?!(lt|gt|amp|quot);)/.test(text)) {
    throw new Refusal(400, "Bad Request: can't parse entities");
  }
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}

function botCall(method: string, fields: Fields): { status: number; body: object } {
  try {
    const run = methods[method];
    if (!run) throw new Refusal(404, "Not Found");
    return { status: 200, body: { ok: true, result: run(fields) } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { code, message, parameters } = error;
    return { status: code, body: { ok: false, error_code: code, description: message, parameters } };
  }
}

/** An update is delivered until the bot's server has taken it; those of one chat in order. */
async function deliver(): Promise<void> {
  for (;;) {
    const next = queue[0];
    if (!next || !webhook) await pause(20);
    else if (await push(next.update)) {
      if (--next.times <= 0) queue.shift();
    } else await pause(200);
  }
}

async function push(update: Fields): Promise<boolean> {
  try {
    const headers = { "content-type": "application/json", "x-telegram-bot-api-secret-token": webhook!.secret };
    const response = await fetch(webhook!.url, { method: "POST", headers, body: JSON.stringify(update) });
    await response.text();
    return response.ok;
  } catch {
    return false;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function write(chat: number, { text, times = 1 }: { text: string; times?: number }): void {
  if (!sent.has(chat)) sent.set(chat, []);
  const from = { id: chat, is_bot: false, first_name: `Person ${chat}` };
  const message = { message_id: ++lastId, date: seconds(), chat: { id: chat, type: "private" }, from, text };
  queue.push({ update: { update_id: ++lastId, message }, chat, times });
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  const fields = (body ? JSON.parse(body) : {}) as Fields;
  const [, place = "", name = ""] = (request.url ?? "").split("/");
  const reply = (status: number, value: object) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  };
  if (place === "people" && request.method === "POST") {
    write(Number(name), fields as { text: string });
    return reply(200, {});
  }
  if (place === "people") {
    const chat = Number(name);
    const undelivered = queue.filter((waiting) => waiting.chat === chat).length;
    return reply(200, {
      sent: sent.get(chat) ?? [],
      typing: typing.get(chat) ?? 0,
      undelivered,
      limitedCalls,
      limitedUntil,
      webhook,
    });
  }
  if (place === "limit") {
    limitMs = Number(name);
    return reply(200, {});
  }
  if (place !== `bot${token}`) return reply(401, { ok: false, error_code: 401, description: "Unauthorized" });
  const { status, body: result } = botCall(name, fields);
  reply(status, result);
}

createServer((request, response) => void answer(request, response)).listen(Number(port), "127.0.0.1", () =>
  process.stdout.write("ready\n"),
);
void deliver();
