import { ChannelFailure, type Incoming } from "../core/channels/channels.ts";
import { hmac, md5, sameSecret } from "../lib/hash.ts";
import { credential, MESSENGER_DEBOUNCE_MS, type Account, type Channel } from "./channel.ts";
import { askForTokens, codeGrant, consentUrl, refreshGrant } from "./oauth-client.ts";
import { cutIntoPieces } from "./pieces.ts";
import { plainMarkup } from "./plain-markup.ts";
import { withoutButtons } from "./questions.ts";
import { callVendor, failureOf } from "./vendor-call.ts";

const AMO_TEXT = plainMarkup(4000);
const TYPES: Record<string, string> = {
  picture: "image/jpeg",
  video: "video/mp4",
  voice: "audio/ogg",
  audio: "audio/mpeg",
};

type Event = {
  time?: number;
  message?: {
    sender?: { id?: string; name?: string };
    receiver?: { id?: string; name?: string };
    conversation?: { id?: string; client_id?: string };
    timestamp?: number;
    message?: {
      id: string;
      type: string;
      text?: string;
      media?: string;
      file_name?: string;
      file_size?: number;
    };
  };
};

/**
 * A channel of amoCRM's chats, https://www.amocrm.ru/developers/content/chats. The bot is on the customer's side of the
 * channel: what is written in amoCRM comes here, what the bot says appears there.
 */
export const amocrm: Channel = {
  capabilities: { buttons: false, edits: false, files: true, maxTextLength: 4000, debounceMs: MESSENGER_DEBOUNCE_MS },

  async verify(account, { headers, body }) {
    const secret = credential(account, "channel_secret");
    return secret !== "" && sameSecret(headers.get("x-signature") ?? "", await hmac("SHA-1", secret, body));
  },

  read: (_account, { body }) => readEvent(JSON.parse(body) as Event),

  compose: (_account, outgoing) =>
    cutIntoPieces(withoutButtons(outgoing), AMO_TEXT).map(({ text }) => ({ type: "text", text })),

  /** amoCRM takes what has the same `msgid` once. */
  async send(account, chatKey, message, sendId) {
    const now = Date.now();
    const payload = {
      timestamp: Math.floor(now / 1000),
      msec_timestamp: now,
      msgid: sendId,
      conversation_id: chatKey,
      sender: { id: `parley-${chatKey}`, name: "Bot" },
      message,
      silent: false,
    };
    const path = `/v2/origin/custom/${encodeURIComponent(await scopeOf(account))}`;
    const answer = await callChats<{ new_message?: { msgid?: string } }>(account, path, {
      event_type: "new_message",
      payload,
    });
    return answer.new_message?.msgid ?? null;
  },

  download: async (account, ref) => account.fetchPublic(ref),

  async profile(account) {
    const { id, name, subdomain } = await callCrm<{ id: number; name: string; subdomain?: string }>(account, "account");
    return { id: String(id), name, username: subdomain };
  },

  authorizeUrl: (account, { state }) =>
    account.client && consentUrl(account, `${account.urls.oauth}/oauth`, { state, mode: "popup" }),

  exchangeCode: (account, grant) => askForTokens(account, tokenUrl(account), codeGrant(grant), "json"),

  refreshTokens: (account, token) =>
    askForTokens(account, tokenUrl(account), { ...refreshGrant(token), redirect_uri: account.redirectUri }, "json"),

  /** The address itself is registered for the channel by amoCRM's support. */
  async setUp(account) {
    const made: Record<string, string> = {};
    if (credential(account, "channel_id")) made["scopeId"] = await connect(account);
    return made;
  },
};

function readEvent({ message: event }: Event): Incoming[] {
  const { conversation, message, sender, receiver, timestamp } = event ?? {};
  const chatKey = conversation?.client_id ?? conversation?.id;
  if (!chatKey || !message) return [];
  const { id, type, text = "", media, file_name: name = type, file_size: sizeBytes = null } = message;
  const files = media ? [{ ref: media, name, mediaType: TYPES[type] ?? "application/octet-stream", sizeBytes }] : [];
  if (text === "" && files.length === 0) return [];
  const person = { key: sender?.id ?? receiver?.id ?? chatKey, name: sender?.name ?? null };
  const at = timestamp === undefined ? null : timestamp * 1000;
  return [{ eventId: id, chatKey, sender: person, at, type: "message", messageKey: id, text, files }];
}

async function scopeOf(account: Account): Promise<string> {
  const known = credential(account, "scope_id") || account.secrets["scopeId"];
  return typeof known === "string" && known ? known : connect(account);
}

async function connect(account: Account): Promise<string> {
  const { amojo_id: account_id } = await callCrm<{ amojo_id: string }>(account, "account?with=amojo_id");
  const path = `/v2/origin/custom/${encodeURIComponent(credential(account, "channel_id"))}/connect`;
  const body = { account_id, title: "Parley", hook_api_version: "v2" };
  const { scope_id } = await callChats<{ scope_id: string }>(account, path, body);
  return scope_id;
}

function crmUrl(account: Account): string {
  const subdomain = credential(account, "subdomain");
  // It becomes part of a host: nothing else may come in with it.
  if (!/^[a-z0-9-]{1,63}$/i.test(subdomain)) throw new ChannelFailure("refused", "amoCRM: the subdomain is not one");
  return account.baseUrl.replace("{subdomain}", subdomain);
}

const tokenUrl = (account: Account) => `${crmUrl(account)}/oauth2/access_token`;

async function callCrm<T>(account: Account, path: string): Promise<T> {
  const url = `${crmUrl(account)}/api/v4/${path}`;
  const answer = await callVendor(account, url, {
    headers: { authorization: `Bearer ${credential(account, "access_token")}` },
  });
  const { detail, title } = (answer.json ?? {}) as { detail?: string; title?: string };
  if (answer.ok && answer.json !== null) return answer.json as T;
  throw failureOf("amoCRM", answer, detail ?? title);
}

/** Signed over the method, what the body is, and the path. */
async function callChats<T>(account: Account, path: string, payload: object): Promise<T> {
  const body = JSON.stringify(payload);
  const headers = {
    "content-md5": await md5(body),
    "content-type": "application/json",
    date: new Date().toUTCString(),
  };
  const signed = ["POST", headers["content-md5"], headers["content-type"], headers.date, path].join("\n");
  const signature = await hmac("SHA-1", credential(account, "channel_secret"), signed);
  const init = { method: "POST", headers: { ...headers, "x-signature": signature }, body };
  const answer = await callVendor(account, account.urls.chats! + path, init);
  if (answer.ok) return (answer.json ?? {}) as T;
  const { error_description: said } = (answer.json ?? {}) as { error_description?: string };
  if (answer.status === 403) throw new ChannelFailure("auth_lost", `amoCRM: ${said ?? "the signature is refused"}`);
  throw failureOf("amoCRM", answer, said);
}
