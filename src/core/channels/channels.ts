import type { Json } from "../messages.ts";

/** A call of a vendor's webhook, as it came. */
export type WebhookCall = {
  method: string;
  headers: Headers;
  query: URLSearchParams;
  body: string;
};

/** What a vendor wants to hear when it has called. */
export type WebhookAnswer = { status: number; body: string; contentType: string };

/** Who writes, in the vendor's words. */
export type Sender = { key: string; name: string | null; avatarUrl?: string | null };

/** A file that the vendor holds for us: `ref` is how it is asked for. */
export type RemoteFile = { ref: string; name: string; mediaType: string; sizeBytes: number | null };

/** Something that happened at the vendor, read from a webhook call. */
export type Incoming = {
  /** The vendor's id of it: what comes twice is taken once. */
  eventId: string;
  /** The vendor's conversation, as answers to it are addressed. */
  chatKey: string;
  sender: Sender | null;
  /** When it was written, in milliseconds; null where the vendor does not say. */
  at: number | null;
} & (
  | { type: "message"; messageKey: string; text: string; files: RemoteFile[] }
  | { type: "edit"; messageKey: string; text: string }
  /** An answer to a question that was asked with buttons; `receipt` is what the vendor wants back. */
  | { type: "decision"; approvalId: string; approved: boolean; receipt: Json }
  | { type: "reachability"; reachable: boolean }
);

/** What goes out to a person: something that was said, or a question about a tool call. */
export type Outgoing =
  | { type: "text"; text: string }
  | { type: "approval"; approvalId: string; toolName: string; args: Json };

/** One message as the vendor takes it; what is in it is the channel's own affair, and is the same whenever it is asked. */
export type VendorMessage = { [key: string]: Json };

/** What has come in at a vendor that does not bring it, and what to remember for the next time beside the integration's secrets. */
export type Collected = { incoming: Incoming[]; secrets: { [name: string]: Json } };

/** Whom an integration's credentials stand for. */
export type Profile = { id: string; name: string; username?: string | undefined; avatarUrl?: string | undefined };

export type Capabilities = {
  /** How long one showing of a typing indicator lasts; absent: there is none. */
  typingMs?: number;
  buttons: boolean;
  edits: boolean;
  /** What kinds of files come in. */
  files: boolean;
  /** How long one message may be, in characters. */
  maxTextLength: number;
  /** How long after a person's last message an answer is possible; absent: always. */
  replyWindowMs?: number;
  /** How long a burst of messages may take before it is answered, unless the chat says otherwise. */
  debounceMs: number;
  /** How long a call may wait for the bot, where the person hears us in the answer to their own call alone. */
  answerWithinMs?: number;
};

/** Who waits for the answer to a call. A reminder asks for what was promised, and may say nothing else. */
export type Caller = { chatKey: string; isReminder: boolean };

/** Where the bot is when a call has to be answered: nothing is left to wait for, it still writes, it could not, or a person will. */
export type Standing = "answered" | "working" | "failed" | "taken";

/** The answer to a call, and how many of the messages that were to be said are in it. */
export type Spoken = { answer: WebhookAnswer; said: number };

/** An access that a person has allowed, as it is kept among the credentials. */
export type OAuthTokens = { credentials: { [name: string]: string }; expiresInSeconds: number | undefined };

export type OAuthRequest = { state: string; challenge: string; redirectUri: string };
export type OAuthGrant = { code: string; verifier: string; redirectUri: string };

/** What we and the vendor have made for an integration, beside the credentials that it was given. */
export type ChannelSecrets = { webhookSecret: string; [name: string]: Json };

export type Failure =
  /** The credentials are not accepted any more. */
  | "auth_lost"
  /** This person cannot be written to: the bot was blocked, the conversation is gone. */
  | "unreachable"
  /** Too many calls. */
  | "rate_limited"
  /** No answer, or an error of the vendor's own. */
  | "temporary"
  /** The vendor will never take this. */
  | "refused";

/** Why a vendor did not do what was asked. The message may be shown to operators; it holds no secret. */
export class ChannelFailure extends Error {
  override name = "ChannelFailure";
  readonly kind: Failure;
  readonly retryAfterSeconds: number | undefined;

  constructor(kind: Failure, message: string, retryAfterSeconds?: number) {
    super(message);
    this.kind = kind;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Where a thread's answers go: a vendor's conversation, through an integration. */
export type ChannelAddress = { integrationId: string; chatKey: string };

/** What a thread hands over to be sent, in the order of `position`. */
export type ChannelSend = {
  id: string;
  position: number;
  messageId: string;
  author: "bot" | "operator";
  /** A bot's words are sent only while this is the thread's epoch. */
  epoch: number;
  body: Outgoing;
  createdAt: number;
};
