import {
  ChannelFailure,
  type Incoming,
  type Outgoing,
  type RemoteFile,
  type VendorMessage,
} from "../core/channels/channels.ts";
import { sameSecret, sha256 } from "../lib/hash.ts";
import { truncate } from "../lib/text.ts";
import { credential, MESSENGER_DEBOUNCE_MS, type Account, type Channel } from "./channel.ts";
import { consentUrl } from "./oauth-client.ts";
import { cutIntoPieces } from "./pieces.ts";
import { plainMarkup } from "./plain-markup.ts";
import { approvalQuestion, decisionPayload, NO, readDecisionPayload, YES } from "./questions.ts";
import { callVendor, failureOf, postForm } from "./vendor-call.ts";

const VERSION = "5.199";
const VK_TEXT = plainMarkup(4096);

type Attachment = {
  type: string;
  photo?: { id: number; sizes?: { url: string; width: number }[] };
  doc?: { title: string; url: string; size?: number };
  audio_message?: { link_ogg: string };
};
type Message = {
  id?: number;
  date?: number;
  from_id: number;
  peer_id: number;
  conversation_message_id?: number;
  text?: string;
  attachments?: Attachment[];
};
type Event = {
  type: string;
  group_id?: number;
  event_id?: string;
  secret?: string;
  object?: Message & {
    message?: Message;
    user_id?: number;
    event_id?: string;
    payload?: unknown;
  };
};

/** A community of VK with the Callback API, https://dev.vk.com/api/callback/getting-started. */
export const vk: Channel = {
  capabilities: {
    typingMs: 9000,
    buttons: true,
    edits: true,
    files: true,
    maxTextLength: 4096,
    debounceMs: MESSENGER_DEBOUNCE_MS,
  },

  async greet(account, { body }) {
    const { type, group_id } = parse(body);
    if (type !== "confirmation") return null;
    return { status: 200, body: await confirmationCode(account, String(group_id)), contentType: "text/plain" };
  },

  verify: async (account, { body }) => sameSecret(parse(body).secret ?? "", secretOf(account)),

  read: (_account, { body }) => readEvent(parse(body)),

  answer: () => ({ status: 200, body: "ok", contentType: "text/plain" }),

  compose: (_account, outgoing) => compose(outgoing),

  /** VK sends what has the same number once. */
  async send(account, peer_id, message, sendId) {
    const random_id = String(Number.parseInt((await sha256(sendId)).slice(0, 7), 16) + 1);
    return String(await callVk<number>(account, "messages.send", { peer_id, random_id, ...(message as Fields) }));
  },

  async typing(account, peer_id) {
    await callVk(account, "messages.setActivity", { peer_id, type: "typing" });
  },

  async acknowledge(account, receipt, text) {
    const { eventId, userId, peerId } = receipt as Receipt;
    const event_data = JSON.stringify({ type: "show_snackbar", text: truncate(text, 90) });
    const place = { event_id: eventId, user_id: userId, peer_id: peerId };
    await callVk(account, "messages.sendMessageEventAnswer", { ...place, event_data });
  },

  download: async (account, ref) => account.fetchPublic(ref),

  async profile(account) {
    const { id, name, screen_name, photo_200 } = await group(account);
    return { id: String(id), name, username: screen_name, avatarUrl: photo_200 };
  },

  authorizeUrl: (account, { state, redirectUri }) =>
    account.client &&
    consentUrl(account, `${account.urls.oauth}/authorize`, {
      redirect_uri: redirectUri,
      group_ids: credential(account, "group_id"),
      scope: "messages,manage",
      response_type: "code",
      v: VERSION,
      state,
    }),

  /** A community's token comes under its name, and does not end. */
  async exchangeCode(account, { code, redirectUri }) {
    const { id, secret } = account.client!;
    const form = postForm({ client_id: id, client_secret: secret, redirect_uri: redirectUri, code });
    const answer = await callVendor(account, `${account.urls.oauth}/access_token`, form);
    const tokens = (answer.json ?? {}) as Record<string, unknown>;
    const groups = (tokens["groups"] ?? []) as { group_id: number; access_token: string }[];
    const community = credential(account, "group_id");
    const token =
      groups.find(({ group_id }) => String(group_id) === community)?.access_token ??
      tokens[`access_token_${community}`];
    if (typeof token !== "string") throw new ChannelFailure("auth_lost", "VK: no token for this community");
    return { credentials: { access_token: token }, expiresInSeconds: undefined };
  },

  async setUp(account, url) {
    const group_id = await groupId(account);
    const secret_key = secretOf(account);
    const server = { group_id, url, title: "Parley", secret_key };
    const { server_id } = await callVk<{ server_id: number }>(account, "groups.addCallbackServer", server);
    const wanted = { message_new: "1", message_edit: "1", message_event: "1", message_allow: "1", message_deny: "1" };
    const settings = { group_id, server_id: String(server_id), api_version: VERSION, ...wanted };
    await callVk(account, "groups.setCallbackSettings", settings);
    return { serverId: String(server_id) };
  },

  async tearDown(account) {
    const server_id = account.secrets["serverId"];
    if (typeof server_id !== "string") return;
    const server = { group_id: await groupId(account), server_id };
    await callVk(account, "groups.deleteCallbackServer", server);
  },
};

type Fields = Record<string, string>;
type Receipt = { eventId: string; userId: string; peerId: string };
type Group = { id: number; name: string; screen_name?: string; photo_200?: string };

const parse = (body: string) => JSON.parse(body) as Event;

/** VK takes at most 50 characters. */
const secretOf = (account: Account) => credential(account, "secret") || account.secrets.webhookSecret.slice(0, 50);

const confirmationCode = async (account: Account, group_id: string) =>
  credential(account, "confirmation_code") ||
  (await callVk<{ code: string }>(account, "groups.getCallbackConfirmationCode", { group_id })).code;

const groupId = async (account: Account) => credential(account, "group_id") || String((await group(account)).id);

async function group(account: Account): Promise<Group> {
  const group_id = credential(account, "group_id");
  type Answer = { groups?: Group[] };
  const { groups = [] } = await callVk<Answer>(account, "groups.getById", group_id ? { group_id } : {});
  if (!groups[0]) throw new ChannelFailure("refused", "VK: the token belongs to no community");
  return groups[0];
}

function readEvent({ type, event_id, object = {} as Message }: Event): Incoming[] {
  if (!event_id) return [];
  switch (type) {
    case "message_new":
      return readMessage(event_id, object.message ?? object);
    case "message_edit":
      return readEdit(event_id, object);
    case "message_event":
      return readDecision(event_id, object);
    case "message_allow":
    case "message_deny": {
      const place = { eventId: event_id, chatKey: String(object.user_id), sender: null, at: null };
      return [{ ...place, type: "reachability", reachable: type === "message_allow" }];
    }
    default:
      return [];
  }
}

/** Communities have negative numbers: what they write is our own. */
function readMessage(eventId: string, message: Message): Incoming[] {
  const [text, files] = [message.text ?? "", (message.attachments ?? []).flatMap(fileOf)];
  if (!(message.from_id > 0) || (text === "" && files.length === 0)) return [];
  return [{ eventId, ...placeOf(message), type: "message", text, files }];
}

const readEdit = (eventId: string, message: Message): Incoming[] =>
  message.from_id > 0 && message.text ? [{ eventId, ...placeOf(message), type: "edit", text: message.text }] : [];

const placeOf = ({ peer_id, from_id, conversation_message_id, id, date }: Message) => ({
  chatKey: String(peer_id),
  sender: { key: String(from_id), name: null },
  at: date === undefined ? null : date * 1000,
  messageKey: String(conversation_message_id ?? id),
});

function readDecision(eventId: string, object: NonNullable<Event["object"]>): Incoming[] {
  const payload: unknown = typeof object.payload === "string" ? JSON.parse(object.payload) : object.payload;
  const decision = readDecisionPayload((payload as { decision?: unknown } | undefined)?.decision);
  if (!decision) return [];
  const { event_id = "", user_id = 0, peer_id } = object;
  const receipt: Receipt = { eventId: event_id, userId: String(user_id), peerId: String(peer_id) };
  const place = { chatKey: String(peer_id), sender: { key: String(user_id), name: null }, at: null };
  return [{ eventId, ...place, type: "decision", ...decision, receipt }];
}

function fileOf({ photo, doc, audio_message: voice }: Attachment): RemoteFile[] {
  const largest = photo?.sizes?.toSorted((a, b) => b.width - a.width)[0];
  if (photo && largest)
    return [{ ref: largest.url, name: `photo-${photo.id}.jpg`, mediaType: "image/jpeg", sizeBytes: null }];
  if (doc)
    return [{ ref: doc.url, name: doc.title, mediaType: "application/octet-stream", sizeBytes: doc.size ?? null }];
  if (voice) return [{ ref: voice.link_ogg, name: "voice.ogg", mediaType: "audio/ogg", sizeBytes: null }];
  return [];
}

function compose(outgoing: Outgoing): VendorMessage[] {
  if (outgoing.type === "text") return cutIntoPieces(outgoing.text, VK_TEXT).map(({ text }) => ({ message: text }));
  const [question] = cutIntoPieces(approvalQuestion(outgoing), VK_TEXT);
  const buttons = [YES, NO].map(({ label, approved }) => {
    const payload = JSON.stringify({ decision: decisionPayload(outgoing.approvalId, approved) });
    return { action: { type: "callback", label, payload } };
  });
  return [{ message: question!.text, keyboard: JSON.stringify({ inline: true, buttons: [buttons] }) }];
}

type VkError = { error_code: number; error_msg: string };

async function callVk<T>(account: Account, method: string, fields: Fields): Promise<T> {
  const form = postForm({ ...fields, access_token: credential(account, "access_token"), v: VERSION });
  const answer = await callVendor(account, `${account.baseUrl}/method/${method}`, form);
  const { response, error } = (answer.json ?? {}) as { response?: T; error?: VkError };
  if (response !== undefined) return response;
  const kind = KINDS.find(([codes]) => codes.includes(error?.error_code ?? 0))?.[1];
  const said = error?.error_msg;
  throw kind
    ? new ChannelFailure(kind, `VK: ${said}`)
    : answer.ok && error
      ? new ChannelFailure("refused", `VK: ${said}`)
      : failureOf("VK", answer, said);
}

/** https://dev.vk.com/reference/errors */
const KINDS: [codes: number[], kind: ChannelFailure["kind"]][] = [
  [[5, 27, 28], "auth_lost"],
  [[7, 18, 900, 901, 902, 917, 936], "unreachable"],
  [[6, 9, 29], "rate_limited"],
  [[1, 10], "temporary"],
];
