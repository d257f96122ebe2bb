import { ChannelFailure, type Incoming, type RemoteFile } from "../core/channels/channels.ts";
import {
  credential,
  MESSENGER_DEBOUNCE_MS,
  secretUrl,
  verifySecretUrl,
  type Account,
  type Channel,
} from "./channel.ts";
import { cutIntoPieces } from "./pieces.ts";
import { plainMarkup } from "./plain-markup.ts";
import { withoutButtons } from "./questions.ts";
import { callVendor, failureOf, postJson } from "./vendor-call.ts";

const OK_TEXT = plainMarkup(4000);

type Attachment = { type: string; payload?: { url?: string; name?: string } };
type Event = {
  webhookType?: string;
  sender?: { user_id: string; name?: string };
  recipient?: { chat_id?: string };
  message?: { mid: string; text?: string; attachments?: Attachment[] };
  timestamp?: number;
};

/** A group of Odnoklassniki with the Bot API, https://apiok.ru/dev/graph_api/bot_api. It signs nothing: our address is the secret. */
export const ok: Channel = {
  capabilities: { buttons: false, edits: false, files: true, maxTextLength: 4000, debounceMs: MESSENGER_DEBOUNCE_MS },

  verify: verifySecretUrl,

  read: (_account, { body }) => readEvent(JSON.parse(body) as Event),

  compose: (_account, outgoing) => cutIntoPieces(withoutButtons(outgoing), OK_TEXT).map(({ text }) => ({ text })),

  async send(account, chatKey, message) {
    const body = { recipient: { chat_id: chatKey }, message };
    const { message_id } = await graph<{ message_id?: string }>(
      account,
      `messages/${encodeURIComponent(chatKey)}`,
      body,
    );
    return message_id ?? null;
  },

  download: async (account, ref) => account.fetchPublic(ref),

  async profile(account) {
    await graph(account, "subscriptions");
    const info = await graph<{ uid?: string; name?: string }>(account, "info").catch(() => null);
    return { id: info?.uid ?? "me", name: info?.name ?? "Odnoklassniki" };
  },

  async setUp(account, url) {
    await graph(account, "subscribe", { url: secretUrl(account, url) });
    return {};
  },

  async tearDown(account, url) {
    await graph(account, "unsubscribe", { url: secretUrl(account, url) });
  },
};

function readEvent({ webhookType, sender, recipient, message, timestamp }: Event): Incoming[] {
  if (webhookType !== "MESSAGE_CREATED" || !sender || !recipient?.chat_id || !message) return [];
  const [text, files] = [message.text ?? "", (message.attachments ?? []).flatMap(fileOf)];
  // What a group says itself comes back too.
  if (sender.user_id.startsWith("group:") || (text === "" && files.length === 0)) return [];
  return [
    {
      eventId: message.mid,
      chatKey: recipient.chat_id,
      sender: { key: sender.user_id, name: sender.name ?? null },
      at: timestamp ?? null,
      type: "message",
      messageKey: message.mid,
      text,
      files,
    },
  ];
}

const TYPES: Record<string, string> = { IMAGE: "image/jpeg", VIDEO: "video/mp4", AUDIO: "audio/mpeg" };

const fileOf = ({ type, payload }: Attachment): RemoteFile[] =>
  payload?.url
    ? [
        {
          ref: payload.url,
          name: payload.name ?? type.toLowerCase(),
          mediaType: TYPES[type] ?? "application/octet-stream",
          sizeBytes: null,
        },
      ]
    : [];

async function graph<T>(account: Account, path: string, body?: object): Promise<T> {
  const query = new URLSearchParams({ access_token: credential(account, "access_token") });
  const init = body && postJson(body, { "content-type": "application/json;charset=utf-8" });
  const answer = await callVendor(account, `${account.baseUrl}/graph/me/${path}?${query.toString()}`, init);
  const { error_code, error_msg } = (answer.json ?? {}) as { error_code?: number; error_msg?: string };
  if (answer.ok && answer.json !== null && error_code === undefined) return answer.json as T;
  const kind = KINDS.find(([codes]) => codes.includes(error_code ?? 0))?.[1];
  if (kind) throw new ChannelFailure(kind, `OK: ${error_msg}`);
  throw answer.ok ? new ChannelFailure("refused", `OK: ${error_msg}`) : failureOf("OK", answer, error_msg);
}

/** https://apiok.ru/dev/errors */
const KINDS: [codes: number[], kind: ChannelFailure["kind"]][] = [
  [[102, 103, 401], "auth_lost"],
  [[455, 456, 457, 458, 504], "unreachable"],
  [[11, 8, 429], "rate_limited"],
  [[1, 2], "temporary"],
];
