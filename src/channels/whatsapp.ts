import {
  ChannelFailure,
  type Incoming,
  type Outgoing,
  type RemoteFile,
  type VendorMessage,
  type WebhookCall,
} from "../core/channels/channels.ts";
import { hmac, sameSecret } from "../lib/hash.ts";
import { credential, MESSENGER_DEBOUNCE_MS, type Account, type Channel } from "./channel.ts";
import { cutIntoPieces } from "./pieces.ts";
import { markedMarkup } from "./plain-markup.ts";
import { approvalQuestion, decisionPayload, NO, readDecisionPayload, YES } from "./questions.ts";
import { callVendor, failureOf, postJson, reach } from "./vendor-call.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const MARKUP_LIMIT = 4096;
const BUTTON_TEXT_LIMIT = 1024;

type Media = { id: string; mime_type?: string; caption?: string; filename?: string };
type Message = {
  id: string;
  from: string;
  timestamp: string;
  type: string;
  text?: { body: string };
  interactive?: { button_reply?: { id: string; title: string }; list_reply?: { title: string } };
  button?: { text: string };
  location?: { latitude: number; longitude: number; name?: string };
} & { [kind in (typeof MEDIA)[number]]?: Media };
type Change = {
  value?: {
    metadata?: { phone_number_id?: string };
    contacts?: { wa_id: string; profile?: { name?: string } }[];
    messages?: Message[];
  };
};
type GraphError = { error?: { code?: number; message?: string; error_data?: { details?: string } } };

const MEDIA = ["image", "document", "audio", "video", "sticker"] as const;

const WHATSAPP = (limit: number) =>
  markedMarkup(limit, {
    bold: (text) => `*${text}*`,
    italic: (text) => `_${text}_`,
    strike: (text) => `~${text}~`,
    code: (text) => `\`${text}\``,
    pre: (text) => `\`\`\`${text}\`\`\``,
    quote: (text) => text.replace(/^/gm, "> "),
  });

/** A number of the WhatsApp Cloud API, https://developers.facebook.com/docs/whatsapp/cloud-api. */
export const whatsapp: Channel = {
  capabilities: {
    buttons: true,
    edits: false,
    files: true,
    maxTextLength: MARKUP_LIMIT,
    replyWindowMs: DAY_MS,
    debounceMs: MESSENGER_DEBOUNCE_MS,
  },

  async greet(account, { method, query }) {
    if (method !== "GET") return null;
    const isKnown = await sameSecret(query.get("hub.verify_token") ?? "", verifyToken(account));
    const isRight = query.get("hub.mode") === "subscribe" && isKnown;
    return {
      status: isRight ? 200 : 403,
      body: isRight ? (query.get("hub.challenge") ?? "") : "",
      contentType: "text/plain",
    };
  },

  async verify(account, { headers, body }) {
    const secret = credential(account, "app_secret");
    const signature = headers.get("x-hub-signature-256") ?? "";
    return secret !== "" && sameSecret(signature, `sha256=${await hmac("SHA-256", secret, body)}`);
  },

  read: (account, call) => read(credential(account, "phone_number_id"), call),

  compose: (_account, outgoing) => compose(outgoing),

  async send(account, to, message) {
    const body = { messaging_product: "whatsapp", recipient_type: "individual", to, ...message };
    const answer = await graph<{ messages?: { id: string }[] }>(account, `${numberOf(account)}/messages`, body);
    return answer.messages?.[0]?.id ?? null;
  },

  async download(account, ref) {
    const { url } = await graph<{ url: string }>(account, encodeURIComponent(ref));
    const response = await reach(account, url, { headers: authorization(account) });
    if (!response.ok) throw new ChannelFailure("temporary", `WhatsApp: the file answers ${response.status}`);
    return response;
  },

  async profile(account) {
    type Number = { id: string; display_phone_number?: string; verified_name?: string };
    const number = await graph<Number>(account, `${numberOf(account)}?fields=display_phone_number,verified_name`);
    const { id, display_phone_number: username, verified_name: name } = number;
    return { id, name: name ?? username ?? id, username };
  },

  /** Possible where the business account is known; else the address is entered in Meta's console by hand. */
  async setUp(account, url) {
    const business = credential(account, "waba_id");
    const override = { override_callback_uri: url, verify_token: verifyToken(account) };
    if (business) await graph(account, `${encodeURIComponent(business)}/subscribed_apps`, override);
    return {};
  },
};

const verifyToken = (account: Account) => credential(account, "verify_token") || account.secrets.webhookSecret;
const numberOf = (account: Account) => encodeURIComponent(credential(account, "phone_number_id"));
const authorization = (account: Account) => ({ authorization: `Bearer ${credential(account, "access_token")}` });

function read(phoneNumberId: string, { body }: WebhookCall): Incoming[] {
  const { entry = [] } = JSON.parse(body) as { entry?: { changes?: Change[] }[] };
  const values = entry.flatMap(({ changes = [] }) => changes.flatMap(({ value }) => value ?? []));
  return values
    .filter(({ metadata }) => metadata?.phone_number_id === phoneNumberId)
    .flatMap(({ messages = [], contacts = [] }) =>
      messages.flatMap((message) => {
        const contact = contacts.find(({ wa_id }) => wa_id === message.from);
        return readMessage(message, contact?.profile?.name ?? null);
      }),
    );
}

function readMessage(message: Message, name: string | null): Incoming[] {
  const { id, from, timestamp } = message;
  const shared = { eventId: id, chatKey: from, sender: { key: from, name }, at: Number(timestamp) * 1000 };
  const decision = readDecisionPayload(message.interactive?.button_reply?.id);
  if (decision) return [{ ...shared, type: "decision", ...decision, receipt: null }];
  const [text, files] = [textOf(message), filesOf(message)];
  return text === "" && files.length === 0 ? [] : [{ ...shared, type: "message", messageKey: id, text, files }];
}

function textOf(message: Message): string {
  const { text, interactive, button, location } = message;
  if (text) return text.body;
  if (interactive) return interactive.button_reply?.title ?? interactive.list_reply?.title ?? "";
  if (button) return button.text;
  if (location) return [location.name, `${location.latitude}, ${location.longitude}`].filter(Boolean).join(": ");
  return MEDIA.map((kind) => message[kind]?.caption ?? "").join("");
}

const filesOf = (message: Message): RemoteFile[] =>
  MEDIA.flatMap((kind) => {
    const media = message[kind];
    if (!media) return [];
    const mediaType = media.mime_type?.split(";")[0] ?? "application/octet-stream";
    const name = media.filename ?? `${kind}.${mediaType.split("/")[1] ?? "bin"}`;
    return [{ ref: media.id, name, mediaType, sizeBytes: null }];
  });

function compose(outgoing: Outgoing): VendorMessage[] {
  if (outgoing.type === "text") {
    return cutIntoPieces(outgoing.text, WHATSAPP(MARKUP_LIMIT)).map(({ text }) => ({
      type: "text",
      text: { body: text },
    }));
  }
  const [question] = cutIntoPieces(approvalQuestion(outgoing), WHATSAPP(BUTTON_TEXT_LIMIT));
  const buttons = [YES, NO].map(({ label, approved }) => ({
    type: "reply",
    reply: { id: decisionPayload(outgoing.approvalId, approved), title: label },
  }));
  return [
    { type: "interactive", interactive: { type: "button", body: { text: question!.text }, action: { buttons } } },
  ];
}

async function graph<T>(account: Account, path: string, body?: object): Promise<T> {
  const init = body ? postJson(body, authorization(account)) : { headers: authorization(account) };
  const answer = await callVendor(account, `${account.baseUrl}/${path}`, init);
  const { error } = (answer.json ?? {}) as GraphError;
  if (answer.ok && answer.json && !error) return answer.json as T;
  const said = error?.error_data?.details ?? error?.message;
  const kind = KINDS.find(([codes]) => codes.includes(error?.code ?? 0))?.[1];
  throw kind ? new ChannelFailure(kind, `WhatsApp: ${said}`) : failureOf("WhatsApp", answer, said);
}

/** https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes */
const KINDS: [codes: number[], kind: ChannelFailure["kind"]][] = [
  // The token has ended, or was given no such rights.
  [[190, 10, 200], "auth_lost"],
  [[131026, 131021], "unreachable"],
  [[4, 80007, 130429, 131048, 131056], "rate_limited"],
  [[1, 2, 131000, 131016], "temporary"],
];
