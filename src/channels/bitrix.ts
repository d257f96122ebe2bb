import { ChannelFailure, type Incoming } from "../core/channels/channels.ts";
import { sameSecret } from "../lib/hash.ts";
import {
  credential,
  MESSENGER_DEBOUNCE_MS,
  secretUrl,
  verifySecretUrl,
  type Account,
  type Channel,
} from "./channel.ts";
import { askForTokens, codeGrant, consentUrl, refreshGrant } from "./oauth-client.ts";
import { cutIntoPieces } from "./pieces.ts";
import { reach } from "./vendor-call.ts";
import { markedMarkup } from "./plain-markup.ts";
import { withoutButtons } from "./questions.ts";

const tag = (name: string) => (text: string) => `[${name}]${text}[/${name}]`;

const BITRIX_TEXT = markedMarkup(20_000, {
  bold: tag("b"),
  italic: tag("i"),
  strike: tag("s"),
  code: (text) => text,
  pre: tag("code"),
  quote: (text) => text.replace(/^/gm, ">>"),
  link: (text, href) => `[url=${href}]${text}[/url]`,
});

/** A chat bot of Bitrix24, https://apidocs.bitrix24.ru/api-reference/chat-bots, through an application or an inbound webhook. */
export const bitrix: Channel = {
  capabilities: {
    typingMs: 9000,
    buttons: false,
    edits: true,
    files: false,
    maxTextLength: 20_000,
    debounceMs: MESSENGER_DEBOUNCE_MS,
  },

  /** An application signs with its token; a bot of an inbound webhook knows only our address. */
  async verify(account, call) {
    const token = new URLSearchParams(call.body).get("auth[application_token]") ?? "";
    const expected = credential(account, "application_token");
    if (expected) return sameSecret(token, expected);
    return verifySecretUrl(account, call);
  },

  read: (_account, { body }) => readEvent(new URLSearchParams(body)),

  compose: (_account, outgoing) =>
    cutIntoPieces(withoutButtons(outgoing), BITRIX_TEXT).map(({ text }) => ({ MESSAGE: text })),

  async send(account, chatKey, message) {
    const sent = await callBitrix<number | string>(account, "imbot.message.add", {
      ...botOf(account),
      DIALOG_ID: chatKey,
      ...message,
    });
    return String(sent);
  },

  async typing(account, chatKey) {
    await callBitrix(account, "imbot.chat.sendTyping", { ...botOf(account), DIALOG_ID: chatKey });
  },

  async profile(account) {
    type User = { ID: string | number; NAME?: string; LAST_NAME?: string; EMAIL?: string; PERSONAL_PHOTO?: string };
    const user = await callBitrix<User>(account, "profile", {});
    const name = [user.NAME, user.LAST_NAME].filter(Boolean).join(" ");
    return { id: String(user.ID), name: name || String(user.ID), avatarUrl: user.PERSONAL_PHOTO };
  },

  authorizeUrl: (account, { state }) =>
    account.client && consentUrl(account, `https://${domainOf(account)}/oauth/authorize/`, { state }),

  exchangeCode: (account, grant) => askForTokens(account, `${account.urls.oauth}/oauth/token/`, codeGrant(grant)),

  refreshTokens: (account, token) => askForTokens(account, `${account.urls.oauth}/oauth/token/`, refreshGrant(token)),

  async setUp(account, url) {
    const botId = await callBitrix<number | string>(account, "imbot.register", {
      CODE: "parley",
      CLIENT_ID: clientId(account),
      TYPE: "B",
      EVENT_HANDLER: secretUrl(account, url),
      PROPERTIES: { NAME: credential(account, "bot_name") || "Parley" },
    });
    return { botId };
  },

  async tearDown(account) {
    await callBitrix(account, "imbot.unregister", botOf(account));
  },
};

/** A bot that an inbound webhook has made is known by a word of its maker's. */
const clientId = (account: Account) =>
  credential(account, "bot_client_id") || account.secrets.webhookSecret.slice(0, 32);

const botOf = (account: Account) => ({
  BOT_ID: credential(account, "bot_id") || account.secrets["botId"],
  CLIENT_ID: clientId(account),
});

function readEvent(form: URLSearchParams): Incoming[] {
  const parameter = (name: string) => form.get(`data[PARAMS][${name}]`) ?? "";
  const [event, chatKey, messageKey] = [form.get("event"), parameter("DIALOG_ID"), parameter("MESSAGE_ID")];
  const [text, userId] = [parameter("MESSAGE"), parameter("FROM_USER_ID")];
  if (!chatKey || !messageKey || !text || form.get("data[USER][IS_BOT]") === "Y") return [];
  const name = form.get("data[USER][NAME]");
  const seconds = Number(form.get("ts"));
  const place = { chatKey, sender: { key: userId, name }, at: seconds ? seconds * 1000 : null, messageKey, text };
  if (event === "ONIMBOTMESSAGEADD") return [{ eventId: messageKey, ...place, type: "message", files: [] }];
  if (event === "ONIMBOTMESSAGEUPDATE") return [{ eventId: `${messageKey}/${seconds}`, ...place, type: "edit" }];
  return [];
}

type Answer<T> = { result?: T; error?: string; error_description?: string };

/** An address of the tenant's choosing is called like any other that a tenant names. */
async function callBitrix<T>(account: Account, method: string, parameters: object): Promise<T> {
  const { url, auth, fetch } = restOf(account);
  const response = await fetch(`${url}/${method}.json`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ ...parameters, ...auth }),
  });
  const { result, error, error_description: said } = await response.json<Answer<T>>().catch((): Answer<T> => ({}));
  if (response.ok && result !== undefined && error === undefined) return result;
  throw failureOf(response.status, error ?? "", said);
}

/** It becomes part of an address: nothing else may come in with it. */
function domainOf(account: Account): string {
  const domain = credential(account, "domain");
  if (/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(domain)) return domain;
  throw new ChannelFailure("refused", "Bitrix24: the domain is not one");
}

function restOf(account: Account): { url: string; auth: object; fetch: Account["fetchPublic"] } {
  const webhook = credential(account, "webhook_url");
  if (webhook) return { url: webhook.replace(/\/+$/, ""), auth: {}, fetch: account.fetchPublic };
  const auth = { auth: credential(account, "access_token") };
  if (account.baseUrl) return { url: `${account.baseUrl}/rest`, auth, fetch: (url, init) => reach(account, url, init) };
  return { url: `https://${domainOf(account)}/rest`, auth, fetch: account.fetchPublic };
}

function failureOf(status: number, error: string, said = error || String(status)): ChannelFailure {
  const message = `Bitrix24: ${said}`;
  if (/expired_token|invalid_token|NO_AUTH_FOUND|INVALID_CREDENTIALS|WRONG_CLIENT/i.test(error) || status === 401) {
    return new ChannelFailure("auth_lost", message);
  }
  if (/QUERY_LIMIT_EXCEEDED|OVERLOAD_LIMIT/i.test(error) || status === 429)
    return new ChannelFailure("rate_limited", message);
  if (/DIALOG_ID_EMPTY|ACCESS_DENIED|CANT_SEND/i.test(error)) return new ChannelFailure("unreachable", message);
  return new ChannelFailure(status >= 500 || status < 300 ? "temporary" : "refused", message);
}
