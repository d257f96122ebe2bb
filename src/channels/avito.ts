import { ChannelFailure, type Incoming } from "../core/channels/channels.ts";
import { FreshCache } from "../lib/fresh-cache.ts";
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
import { plainMarkup } from "./plain-markup.ts";
import { withoutButtons } from "./questions.ts";
import { callVendor, failureOf, postForm, postJson } from "./vendor-call.ts";

const AVITO_TEXT = plainMarkup(1000);

type Event = {
  id?: string;
  payload?: {
    type?: string;
    value?: {
      id: string;
      chat_id: string;
      user_id: number;
      author_id: number;
      created?: number;
      type?: string;
      content?: { text?: string; link?: { text?: string; url?: string }; location?: { text?: string; title?: string } };
    };
  };
};
type Self = { id: number; name?: string; email?: string; profile_url?: string };

/** A seller's conversations on Avito, https://developers.avito.ru. It signs nothing: our address is the secret. */
export const avito: Channel = {
  capabilities: { buttons: false, edits: false, files: false, maxTextLength: 1000, debounceMs: MESSENGER_DEBOUNCE_MS },

  verify: verifySecretUrl,

  read: (_account, { body }) => readEvent(JSON.parse(body) as Event),

  compose: (_account, outgoing) =>
    cutIntoPieces(withoutButtons(outgoing), AVITO_TEXT).map(({ text }) => ({ message: { text }, type: "text" })),

  async send(account, chatKey, message) {
    const known = account.secrets["userId"];
    const userId = typeof known === "number" ? known : (await self(account)).id;
    const path = `messenger/v1/accounts/${userId}/chats/${encodeURIComponent(chatKey)}/messages`;
    const { id } = await callAvito<{ id?: string }>(account, path, message);
    return id ?? null;
  },

  async profile(account) {
    const { id, name, email } = await self(account);
    return { id: String(id), name: name ?? String(id), username: email };
  },

  authorizeUrl: (account, { state }) =>
    account.client &&
    consentUrl(account, `${account.urls.oauth}/oauth`, {
      response_type: "code",
      scope: "messenger:read,messenger:write,user:read",
      state,
    }),

  exchangeCode: (account, grant) => askForTokens(account, `${account.baseUrl}/token`, codeGrant(grant)),

  refreshTokens: (account, token) => askForTokens(account, `${account.baseUrl}/token`, refreshGrant(token)),

  async setUp(account, url) {
    const { id } = await self(account);
    await callAvito(account, "messenger/v3/webhook", { url: secretUrl(account, url) });
    return { userId: id };
  },

  async tearDown(account, url) {
    await callAvito(account, "messenger/v1/webhook/unsubscribe", { url: secretUrl(account, url) });
  },
};

/** What the seller writes, here or there, comes back too; what nobody wrote is Avito's own. */
function readEvent({ payload }: Event): Incoming[] {
  const { type, value } = payload ?? {};
  if (type !== "message" || !value || value.author_id === value.user_id || value.author_id <= 1) return [];
  const { text, link, location } = value.content ?? {};
  const said = text ?? link?.text ?? link?.url ?? location?.text ?? location?.title ?? `[${value.type}]`;
  return [
    {
      eventId: value.id,
      chatKey: value.chat_id,
      sender: { key: String(value.author_id), name: null },
      at: value.created === undefined ? null : value.created * 1000,
      type: "message",
      messageKey: value.id,
      text: said,
      files: [],
    },
  ];
}

const self = (account: Account) => callAvito<Self>(account, "core/v1/accounts/self");

async function callAvito<T>(account: Account, path: string, body?: object): Promise<T> {
  const token = await tokenOf(account);
  const headers = { authorization: `Bearer ${token}` };
  const answer = await callVendor(account, `${account.baseUrl}/${path}`, body ? postJson(body, headers) : { headers });
  if (answer.ok && answer.json !== null) return answer.json as T;
  if (answer.status === 401) tokens.delete((known) => known === token);
  throw failureFrom(answer);
}

type Refusal = { error?: { message?: string } | string; error_description?: string; message?: string };

/** 402: the seller's tariff has no messages; 403: the credentials may not. */
function failureFrom(answer: Parameters<typeof failureOf>[1]): ChannelFailure {
  const { error, error_description, message } = (answer.json ?? {}) as Refusal;
  const said = error_description ?? message ?? (typeof error === "object" ? error.message : error);
  if (answer.status === 403) return new ChannelFailure("auth_lost", `Avito: ${said}`);
  if (answer.status === 404) return new ChannelFailure("unreachable", `Avito: ${said}`);
  return failureOf("Avito", answer, said);
}

/** A token lives for a day. */
const tokens = new FreshCache<string>({ freshMs: 60 * 60 * 1000, staleMs: 60 * 60 * 1000, mostEntries: 1000 });

/** One that the seller has given by OAuth, else one for the seller's own credentials. */
async function tokenOf(account: Account): Promise<string> {
  const given = credential(account, "access_token");
  if (given) return given;
  const [client_id, client_secret] = [credential(account, "client_id"), credential(account, "client_secret")];
  const ask = () => askForToken(account, client_id, client_secret);
  return (await tokens.get(`${client_id} ${client_secret}`, Date.now(), ask))!;
}

async function askForToken(account: Account, client_id: string, client_secret: string): Promise<string> {
  const form = postForm({ grant_type: "client_credentials", client_id, client_secret });
  const answer = await callVendor(account, `${account.baseUrl}/token`, form);
  const { access_token } = (answer.json ?? {}) as { access_token?: string };
  if (access_token) return access_token;
  const refusal = failureFrom(answer);
  throw refusal.kind === "refused" ? new ChannelFailure("auth_lost", refusal.message) : refusal;
}
