import {
  ChannelFailure,
  type Incoming,
  type Outgoing,
  type RemoteFile,
  type VendorMessage,
} from "../core/channels/channels.ts";
import { sameSecret } from "../lib/hash.ts";
import { credential, MESSENGER_DEBOUNCE_MS, type Account, type Channel } from "./channel.ts";
import { cutIntoPieces } from "./pieces.ts";
import { markedMarkup } from "./plain-markup.ts";
import { approvalQuestion, decisionPayload, NO, readDecisionPayload, YES } from "./questions.ts";
import { callVendor, failureOf, postJson } from "./vendor-call.ts";

const LIMIT = 4000;
const UPDATES = ["message_created", "message_edited", "message_callback", "bot_started", "bot_stopped"];

type User = { user_id: number; name?: string; first_name?: string; last_name?: string; is_bot?: boolean };
type Attachment = { type: string; payload?: { url?: string }; filename?: string; size?: number };
type Message = {
  sender?: User;
  recipient: { chat_id?: number };
  timestamp?: number;
  body?: { mid: string; text?: string | null; attachments?: Attachment[] | null };
};
type Update = {
  update_type: string;
  timestamp?: number;
  message?: Message;
  callback?: { callback_id: string; payload?: string; user: User };
  chat_id?: number;
  user?: User;
  payload?: string | null;
};

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const html = (tag: string) => (text: string) => `<${tag}>${text}</${tag}>`;
const marks = markedMarkup(LIMIT, {
  bold: html("b"),
  italic: html("i"),
  strike: html("s"),
  code: html("code"),
  pre: html("pre"),
  quote: (text) => text,
  link: (text, href) => `<a href="${escaped(href).replaceAll('"', "&quot;")}">${text}</a>`,
});

/** What is marked must be escaped first. */
const MAX_HTML = {
  limit: LIMIT,
  block: (block: Parameters<typeof marks.block>[0]) =>
    marks.block({ ...block, runs: block.runs.map((run) => ({ ...run, text: escaped(run.text) })) }),
};

/** A bot of the messenger MAX, https://dev.max.ru/docs-api. */
export const max: Channel = {
  capabilities: {
    typingMs: 4500,
    buttons: true,
    edits: true,
    files: true,
    maxTextLength: LIMIT,
    debounceMs: MESSENGER_DEBOUNCE_MS,
  },

  verify: async ({ secrets }, { headers }) =>
    sameSecret(headers.get("x-max-bot-api-secret") ?? "", secrets.webhookSecret),

  read: (_account, { body }) => readUpdate(JSON.parse(body) as Update),

  compose: (_account, outgoing) => compose(outgoing),

  async send(account, chatKey, message) {
    const query = `messages?chat_id=${encodeURIComponent(chatKey)}`;
    const { plain, ...marked } = message;
    const send = (body: VendorMessage) => callMax<{ message?: Message }>(account, "POST", query, body);
    const refusedMarkup = (error: unknown) =>
      error instanceof ChannelFailure && /markup|format|parse/i.test(error.message);
    const { message: sent } = await send(marked).catch((error: unknown) => {
      if (!refusedMarkup(error)) throw error;
      const { format: _, ...others } = marked;
      return send({ ...others, text: plain! });
    });
    return sent?.body?.mid ?? null;
  },

  async typing(account, chatKey) {
    await callMax(account, "POST", `chats/${encodeURIComponent(chatKey)}/actions`, { action: "typing_on" });
  },

  /** Takes the buttons away, with the same words in their place. */
  async acknowledge(account, receipt, text) {
    const { callbackId, question } = receipt as Receipt;
    const answer = { notification: text, message: { text: question, attachments: [] } };
    await callMax(account, "POST", `answers?callback_id=${encodeURIComponent(callbackId)}`, answer);
  },

  download: async (account, ref) => account.fetchPublic(ref),

  async profile(account) {
    type Me = User & { username?: string; avatar_url?: string };
    const me = await callMax<Me>(account, "GET", "me");
    return { id: String(me.user_id), name: nameOf(me) ?? "MAX", username: me.username, avatarUrl: me.avatar_url };
  },

  async setUp(account, url) {
    const subscription = { url, update_types: UPDATES, secret: account.secrets.webhookSecret };
    await callMax(account, "POST", "subscriptions", subscription);
    return {};
  },

  async tearDown(account, url) {
    await callMax(account, "DELETE", `subscriptions?url=${encodeURIComponent(url)}`);
  },
};

type Receipt = { callbackId: string; question: string };

const nameOf = ({ name, first_name, last_name }: User) =>
  name ?? ([first_name, last_name].filter(Boolean).join(" ") || null);

const senderOf = (user: User) => ({ key: String(user.user_id), name: nameOf(user) });

function readUpdate(update: Update): Incoming[] {
  const { update_type: type, message, timestamp = null } = update;
  if (message && (type === "message_created" || type === "message_edited"))
    return readMessage(type, message, timestamp);
  if (type === "message_callback" && message && update.callback) return readCallback(update.callback, message);
  if (!update.chat_id || !update.user) return [];
  const { chat_id, user, payload } = update;
  const place = {
    eventId: `${type}/${chat_id}/${timestamp}`,
    chatKey: String(chat_id),
    sender: senderOf(user),
    at: timestamp,
  };
  if (type === "bot_stopped") return [{ ...place, type: "reachability", reachable: false }];
  if (type !== "bot_started") return [];
  const text = payload ? `/start ${payload}` : "/start";
  return [{ ...place, type: "message", messageKey: place.eventId, text, files: [] }];
}

function readMessage(type: string, message: Message, timestamp: number | null): Incoming[] {
  const { sender, recipient, body } = message;
  if (!sender || sender.is_bot || !body || recipient.chat_id === undefined) return [];
  const [text, files] = [body.text ?? "", (body.attachments ?? []).flatMap(fileOf)];
  if (text === "" && files.length === 0) return [];
  const place = { chatKey: String(recipient.chat_id), sender: senderOf(sender), messageKey: body.mid };
  const at = message.timestamp ?? timestamp;
  if (type === "message_created") return [{ eventId: body.mid, ...place, at, type: "message", text, files }];
  return [{ eventId: `${body.mid}/${timestamp}`, ...place, at: timestamp, type: "edit", text }];
}

function readCallback(callback: NonNullable<Update["callback"]>, { recipient, body }: Message): Incoming[] {
  const decision = readDecisionPayload(callback.payload);
  if (!decision || recipient.chat_id === undefined) return [];
  const receipt: Receipt = { callbackId: callback.callback_id, question: body?.text ?? "?" };
  const place = { eventId: callback.callback_id, chatKey: String(recipient.chat_id), sender: senderOf(callback.user) };
  return [{ ...place, at: null, type: "decision", ...decision, receipt }];
}

const TYPES: Record<string, string> = { image: "image/jpeg", video: "video/mp4", audio: "audio/ogg" };

const fileOf = ({ type, payload, filename, size }: Attachment): RemoteFile[] =>
  payload?.url && (type in TYPES || type === "file")
    ? [
        {
          ref: payload.url,
          name: filename ?? type,
          mediaType: TYPES[type] ?? "application/octet-stream",
          sizeBytes: size ?? null,
        },
      ]
    : [];

function compose(outgoing: Outgoing): VendorMessage[] {
  const markdown = outgoing.type === "text" ? outgoing.text : approvalQuestion(outgoing);
  const messages = cutIntoPieces(markdown, MAX_HTML).map((piece) => ({ ...piece, format: "html" }));
  if (outgoing.type === "text") return messages;
  const button = ({ label, approved }: typeof YES) => ({
    type: "callback",
    text: label,
    payload: decisionPayload(outgoing.approvalId, approved),
  });
  const keyboard = { type: "inline_keyboard", payload: { buttons: [[button(YES), button(NO)]] } };
  return [{ ...messages[0]!, attachments: [keyboard] }];
}

type MaxError = { code?: string; message?: string; success?: boolean };

async function callMax<T>(account: Account, method: string, path: string, body?: object): Promise<T> {
  const authorization = { authorization: credential(account, "token") };
  const init = body ? { ...postJson(body, authorization), method } : { method, headers: authorization };
  const answer = await callVendor(account, `${account.baseUrl}/${path}`, init);
  const { code, message, success } = (answer.json ?? {}) as MaxError;
  if (answer.ok && answer.json !== null && success !== false) return answer.json as T;
  if (
    answer.status === 403 ||
    code === "dialog.not.found" ||
    code === "chat.denied" ||
    code === "error.dialog.suspended"
  ) {
    throw new ChannelFailure("unreachable", `MAX: ${message}`);
  }
  throw answer.ok ? new ChannelFailure("refused", `MAX: ${message}`) : failureOf("MAX", answer, message);
}
