import type { LanguageModelV4 } from "@ai-sdk/provider";
import type { Approval, Decision } from "./approvals.ts";
import type { BotSettings } from "./bot-settings.ts";
import type {
  Caller,
  Capabilities,
  ChannelAddress,
  ChannelSecrets,
  Collected,
  Incoming,
  OAuthGrant,
  OAuthRequest,
  OAuthTokens,
  Outgoing,
  Profile,
  Spoken,
  Standing,
  VendorMessage,
  WebhookAnswer,
  WebhookCall,
} from "./channels/channels.ts";
import type { Credentials, Vendor } from "./channels/credentials.ts";
import type { LiveEvent } from "./live-events.ts";
import type { Limit } from "./billing/budgets.ts";
import type { Invoice, JsonObject } from "../db/schema.ts";
import type { Offer } from "./billing/offers.ts";
import type { Delivery, Json, Message, MessageFile } from "./messages.ts";
import type { Page, OrderedPageRequest, PageRequest } from "./pages.ts";
import type { Schedule, ScheduleChanges, SchedulePlan } from "./schedules/schedule-state.ts";
import type { Mode, ThreadState } from "./thread-state.ts";
import type { TurnEventType } from "./turn-events.ts";

/** Marks a call that came with an Idempotency-Key; the thread answers a repetition as it answered the first. */
export type OnceKey = { key: string; requestHash: string };

export type UserMessage = {
  /** Chosen by the client, so that a message sent twice is stored once; absent: the thread chooses. */
  id?: string;
  text: string;
  files?: MessageFile[];
};

/** What the thread must know of the chat that a message came through; the settings are those of this moment. */
export type Posting = {
  chatId: string;
  botId: string;
  personId: string | null;
  settings: BotSettings;
  debounceMs: number;
  /** The turn events that the caller understands; a reader who comes back gets the same. */
  types: readonly TurnEventType[];
  /** Where the person reads the answers; absent: where the thread was told before, or nowhere but here. */
  address?: ChannelAddress;
  /** What came through the chat could not be answered lately. */
  failing?: boolean;
};

/** A time to come, and whether a message of the person before it makes it void. */
export type Later = { dueAt: number; cancelIfReply: boolean };

export type PostCommand = {
  posting: Posting;
  messages: UserMessage[];
  /** Removes the last answer and runs again, instead of adding messages. */
  regenerate: boolean;
  /** The message that is said or answered anew: what came after it is taken back. */
  anew?: string | undefined;
  /** Stored only: nobody is there to answer. */
  unanswered?: boolean;
  /** When the messages are answered; absent: now. */
  later?: Later | null;
  once: OnceKey | null;
};

/** A running or finished answer as server-sent turn events of some types; `messageId` is null where no answer will come. */
export type TurnStream = {
  messageId: string | null;
  /** Names what was scheduled, where the answer comes later. */
  scheduleId: string | null;
  types: readonly TurnEventType[];
  events: ReadableStream<Uint8Array>;
};

/** A message with its place in the thread. */
export type ThreadMessage = Message & { seq: number };

/** One conversation, as its object offers it. Every failure is a DomainError; `unavailable` where the object cannot be reached. */
export interface ThreadPort {
  /** Stores the messages and answers them. The stream starts once there is something to read, or after some seconds. */
  post(command: PostCommand): Promise<TurnStream>;
  /** The same for a caller who does not wait for the answer; what came already is ignored. */
  receive(command: PostCommand): Promise<void>;
  /** Changes what a person has written; ignored where there is no such message. */
  edit(messageId: string, text: string): Promise<void>;
  /** Takes note of how far a message has come on its way to the vendor. */
  setDelivery(messageId: string, delivery: Delivery): Promise<void>;
  /**
   * The running answer after an event id; null when nothing runs and nothing is left to tell. Without types: those in
   * which the thread was last written to.
   */
  resume(after: string | null, types: readonly TurnEventType[] | null): Promise<TurnStream | null>;
  /** Decides approvals and streams what the bot makes of it; what was decided so before is no second decision. */
  decideAndStream(decisions: Decision[], posting: Posting): Promise<TurnStream>;
  decide(decision: Decision): Promise<Approval>;
  get(): Promise<ThreadState>;
  listMessages(page: OrderedPageRequest): Promise<Page<ThreadMessage>>;
  listApprovals(page: PageRequest): Promise<Page<Approval>>;
  workingMemory(): Promise<string | null>;
  setMode(mode: Mode, once: OnceKey | null): Promise<void>;
  send(text: string, once: OnceKey | null): Promise<Message>;
  /** An operator's message is refused, as `send` refuses it, where the thread is not in manual mode. */
  schedule(plan: SchedulePlan, once: OnceKey | null): Promise<Schedule>;
  changeSchedule(id: string, changes: ScheduleChanges): Promise<Schedule>;
  cancelSchedule(id: string): Promise<Schedule>;
  /** Does what is due, once. False: the thread knows of no such schedule. */
  fireSchedule(id: string): Promise<boolean>;
  /** Ends the running answer; false when none runs. */
  stop(once: OnceKey | null): Promise<boolean>;
  /** Forgets everything, also in lists and in search. */
  erase(): Promise<void>;
  /** A socket that brings live events as server-sent frames, first those after an event id. */
  listen(after: string | null): Promise<WebSocket>;
}

/** What happened at one moment. Each source numbers its own, and tells them in that order. */
export type LiveBatch = { source: string; seq: number; events: LiveEvent[] };

/** In micro-credits. `limits`: the budgets that it must not exceed either. */
export type Reservation = { hold: string; amount: number; limits: Limit[] };

/** The calls that a hold was for, with what they cost: their charges are in D1, or will be. */
export type Settlement = { hold: string; charges: { id: string; cost: number }[] };

/** Live events of a project, and what is counted per project. */
export interface FeedPort {
  /** What a source has told already is ignored. Settled holds are released with it. */
  publish(batches: LiveBatch[], settled?: Settlement[]): Promise<void>;
  /**
   * Sets credits aside for model calls that are about to be made, so that no others spend them. Answers how many could be,
   * which may be fewer; rejects with `payment_required` where none are left. A hold that is there already is replaced.
   */
  reserve(reservation: Reservation): Promise<number>;
  /** To be called when a balance was lowered by anything but a model call. */
  forgetBalance(): Promise<void>;
  listen(after: string | null): Promise<WebSocket>;
  /** Makes a ticket that opens the live events of the project, or of one thread, without a key. */
  issueTicket(threadId: string | null): Promise<{ ticket: string; expiresAt: Date }>;
  /** Whether a ticket opens these events now. `returning`: the listener has been connected before. */
  redeemTicket(ticket: string, threadId: string | null, returning: boolean): Promise<boolean>;
  /** Counts one request against a sliding minute; answers the seconds to wait when the limit is reached, else 0. */
  admit(requestsPerMinute: number): Promise<number>;
}

/** Work that outlives the request: a queue message rings for it, the row it is about says what is to be done. */
export type Job =
  | { kind: "receive-messages"; projectId: string; integrationId: string; chatKey: string }
  | { kind: "send-messages"; projectId: string; threadId: string }
  | { kind: "set-up-channel"; projectId: string; integrationId: string }
  | { kind: "collect-messages"; projectId: string; integrationId: string }
  | { kind: "renew-access"; projectId: string; integrationId: string }
  | { kind: "tell-low-balance"; projectId: string }
  | { kind: "erase-chat"; projectId: string; chatId: string }
  /** Without an endpoint: for all of the project. */
  | { kind: "deliver-webhooks"; projectId: string; endpointId: string | null }
  | { kind: "index-document" | "erase-document"; projectId: string; storeId: string; documentId: string }
  | { kind: "erase-store" | "rebuild-store"; projectId: string; storeId: string }
  | { kind: "erase-file"; projectId: string; fileId: string }
  | { kind: "remember-messages"; projectId: string; threadId: string }
  | { kind: "fire-schedule"; projectId: string; threadId: string; scheduleId: string };

/** Where invoices are paid. */
export interface PaymentPort {
  provider: Invoice["provider"];
  currency: string;
  /** Opens the place where an invoice is paid; for the same invoice the same place. */
  open(invoice: Invoice, input: { offer: Offer; origin: string }): Promise<{ url: string; reference: string | null }>;
  /** What the provider's own call says; null: nothing about an invoice. Throws `unauthenticated` where it is not from there. */
  read(call: { headers: Headers; body: string }): Promise<PaymentNews | null>;
}

export type PaymentNews = { invoiceId: string; status: "paid" | "cancelled" };

export interface JobPort {
  /** Soon, or after some seconds: at most a day. A bell may be lost, doubled or late; the row knows what is due. Never rejects. */
  ring(job: Job, delaySeconds?: number): Promise<void>;
}

/**
 * A messaging vendor, for one integration. What is optional a vendor may lack. A vendor that does not do what it is asked
 * is a ChannelFailure.
 */
export interface ChannelPort {
  readonly capabilities: Capabilities;
  /** Whether a webhook call comes from the vendor. Asked before anything else of the call is believed. */
  verify(call: WebhookCall): Promise<boolean>;
  /** The answer to a call by which the vendor finds out whether we are there; null: an ordinary call. */
  greet?(call: WebhookCall): Promise<WebhookAnswer | null>;
  /** What happened, in our words; nothing for what is not ours. */
  read(call: WebhookCall): Incoming[];
  /** For a vendor whose calls say at most that something came: what has come since it was last asked. */
  collect?(): Promise<Collected>;
  /** What the vendor wants to hear when it has told us something; absent: any 200 will do. */
  answer?(call: WebhookCall): WebhookAnswer;
  /** Whose call it is, for a vendor whose person hears us in the answer to it alone; null: nobody's who waits for words. */
  caller?(call: WebhookCall): Caller | null;
  /** The answer to such a call, with as many of the messages as it takes, from the first on. */
  speak?(call: WebhookCall, messages: VendorMessage[], standing: Standing): Spoken;
  /** The vendor's messages that say it, cut to what the vendor takes. */
  compose(outgoing: Outgoing): VendorMessage[];
  /** Sends one of them. `sendId` is the same when it is tried again, for vendors that ignore what they have had. */
  send(chatKey: string, message: VendorMessage, sendId: string): Promise<string | null>;
  typing?(chatKey: string): Promise<void>;
  /** Tells the vendor that a button's answer was taken, with a word for the person. */
  acknowledge?(receipt: Json, text: string): Promise<void>;
  download?(ref: string): Promise<Response>;
  /** Asks the vendor whom the credentials stand for. */
  profile(): Promise<Profile>;
  /** Has the vendor call us at `url`; answers what is to be kept of it. */
  setUp?(url: string): Promise<{ [name: string]: Json }>;
  tearDown?(url: string): Promise<void>;
  /** The vendor's page on which a person allows us access; null: there is no client to ask for it as. */
  authorizeUrl?(request: OAuthRequest): string | null;
  exchangeCode?(grant: OAuthGrant): Promise<OAuthTokens>;
  refreshTokens?(refreshToken: string): Promise<OAuthTokens>;
}

/** Null: the vendor has no channel. */
export type OpenChannel = (
  vendor: Vendor,
  account: { credentials: Credentials; secrets: ChannelSecrets; settings?: JsonObject },
) => ChannelPort | null;

/** Files of conversations, under keys that begin with their project's id. */
export interface FilePort {
  put(key: string, body: ReadableStream | ArrayBuffer, mediaType: string): Promise<{ sizeBytes: number }>;
  get(key: string): Promise<{ body: ReadableStream; mediaType: string; sizeBytes: number } | null>;
  /** Removes everything under a prefix. */
  deleteAll(prefix: string): Promise<void>;
}

/** Makes texts into vectors: the nearer two vectors, the more alike what the texts mean. */
export interface Embedder {
  /** How much a search may trust its vectors beside the words themselves: from 0, to break ties, to 1. */
  readonly worth: number;
  /** One vector for each text. Throws `upstream_failed`. */
  embed(texts: string[]): Promise<Float32Array[]>;
}

/** Opens an embedding model by its id; throws `upstream_failed` where its provider is not configured. */
export type OpenEmbedder = (modelId: string) => Embedder;

export type StoredVector = { id: number; documentId: string; values: Float32Array };
export type NearVector = { id: number; similarity: number };

/** The vectors of one store, in one of its spaces. What was written may show a little later, see `has`. */
export interface VectorIndex {
  upsert(vectors: StoredVector[]): Promise<void>;
  /** The nearest first; among some documents only, where they are named. Approximate where there are many. */
  query(vector: Float32Array, options: { limit: number; documentIds?: string[] }): Promise<NearVector[]>;
  /** Whether all of these are found already. */
  has(ids: number[]): Promise<boolean>;
  get(ids: number[]): Promise<StoredVector[]>;
  delete(ids: number[]): Promise<void>;
}

/** Vectors of another length than the index takes lie elsewhere; to get or delete some, it need not be known. */
export type OpenVectors = (place: {
  storeId: string;
  space: number;
  dimensions: number | null;
  /** One of very many small ones: it has an object of its own in any case. */
  own?: boolean;
}) => VectorIndex;

/** Opens a model by its id; throws `upstream_failed` where its provider is not configured, naming what is missing. */
export type OpenModel = (modelId: string) => LanguageModelV4;
