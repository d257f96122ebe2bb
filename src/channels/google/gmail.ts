import { ChannelFailure, type Collected, type Incoming } from "../../core/channels/channels.ts";
import type { Json } from "../../core/messages.ts";
import { credential, type Account } from "../channel.ts";
import { callVendor, failureOf, postJson } from "../vendor-call.ts";
import { headerOf, rawMail, readMail, SENT_HEADER, type Mail } from "./mail.ts";

const MOST_AT_ONCE = 50;
/** A watch ends after a week; it is renewed in good time. */
const RENEW_AHEAD_MS = 3 * 24 * 60 * 60 * 1000;

/** Mail is read only where the access that is asked for says so. */
export const usesMail = (account: Account) => /gmail|mail\.google\.com/.test(credential(account, "scope"));

type Refusal = { error?: { message?: string; status?: string; errors?: { reason?: string }[] } | string };

async function callGmail<T>(account: Account, path: string, body?: object): Promise<T> {
  const headers = { authorization: `Bearer ${credential(account, "access_token")}` };
  const url = `${account.baseUrl}/gmail/v1/users/me/${path}`;
  const answer = await callVendor(account, url, body ? postJson(body, headers) : { headers });
  if (answer.ok && (answer.json !== null || answer.status === 204)) return answer.json as T;
  throw failureFrom(answer);
}

function failureFrom(answer: Parameters<typeof failureOf>[1]): ChannelFailure {
  const { error } = (answer.json ?? {}) as Refusal;
  const { message, errors } = typeof error === "object" ? error : { message: error, errors: [] };
  const reason = errors?.[0]?.reason ?? "";
  const said = `Gmail: ${message ?? answer.status}`;
  if (/rateLimitExceeded|userRateLimitExceeded|quotaExceeded/i.test(reason)) {
    return new ChannelFailure("rate_limited", said, Number(answer.headers.get("retry-after")) || undefined);
  }
  if (answer.status === 403) return new ChannelFailure("auth_lost", said);
  if (answer.status === 404) return new ChannelFailure("unreachable", said);
  return failureOf("Gmail", answer, message);
}

type Mailbox = { emailAddress: string; historyId: string };

export const askForMailbox = (account: Account) => callGmail<Mailbox>(account, "profile");

/** From here on mail is read: what came before is not ours to answer. */
export async function setUpMail(account: Account): Promise<{ [name: string]: Json }> {
  if (!usesMail(account)) return {};
  if (!credential(account, "access_token")) throw new ChannelFailure("refused", "Google: access is yet to be allowed");
  const { emailAddress, historyId } = await askForMailbox(account);
  return { address: emailAddress, historyId, ...(await watch(account)) };
}

export async function tearDownMail(account: Account): Promise<void> {
  if (usesMail(account) && credential(account, "pubsub_topic")) await callGmail(account, "stop", {});
}

/** Has Google tell a topic of Pub/Sub what comes, which tells us; without one we ask every minute. */
async function watch(account: Account): Promise<{ [name: string]: Json }> {
  const topicName = credential(account, "pubsub_topic");
  if (!topicName) return {};
  const wanted = { topicName, labelIds: ["INBOX"], labelFilterBehavior: "INCLUDE" };
  const { expiration } = await callGmail<{ expiration?: string }>(account, "watch", wanted);
  return { watchEndsAt: Number(expiration ?? 0) };
}

type History = {
  history?: { id?: string; messagesAdded?: { message: { id: string; labelIds?: string[] } }[] }[];
  historyId?: string;
  nextPageToken?: string;
};

const NOTHING: Collected = { incoming: [], secrets: {} };

export async function collectMail(account: Account): Promise<Collected> {
  const { address, historyId, watchEndsAt } = account.secrets;
  if (!usesMail(account) || typeof historyId !== "string" || typeof address !== "string") return NOTHING;
  const { ids, next } = await newMail(account, historyId);
  const incoming: Incoming[] = [];
  for (const id of ids) incoming.push(...(await readOne(account, id, address)));
  const isEnding = typeof watchEndsAt === "number" && watchEndsAt < Date.now() + RENEW_AHEAD_MS;
  return { incoming, secrets: { historyId: next, ...(isEnding ? await watch(account) : {}) } };
}

/** Mail that came since then. Google forgets after a week or so: then what came in the last day is looked through. */
async function newMail(account: Account, since: string): Promise<{ ids: string[]; next: string }> {
  const query = `startHistoryId=${since}&historyTypes=messageAdded&labelId=INBOX&maxResults=${MOST_AT_ONCE}`;
  try {
    const { history = [], historyId = since } = await callGmail<History>(account, `history?${query}`);
    const ids = history.flatMap(({ messagesAdded = [] }) => messagesAdded.map(({ message }) => message.id));
    return { ids: [...new Set(ids)], next: lastOf(history) ?? historyId };
  } catch (error) {
    if (!(error instanceof ChannelFailure) || error.kind !== "unreachable") throw error;
    return lastDay(account);
  }
}

/** Of many records the rest is asked for the next time. */
function lastOf(history: NonNullable<History["history"]>): string | null {
  return history.length >= MOST_AT_ONCE ? (history.at(-1)?.id ?? null) : null;
}

async function lastDay(account: Account): Promise<{ ids: string[]; next: string }> {
  const { historyId } = await askForMailbox(account);
  const path = `messages?q=${encodeURIComponent("in:inbox newer_than:1d")}&maxResults=${MOST_AT_ONCE}`;
  const { messages = [] } = await callGmail<{ messages?: { id: string }[] }>(account, path);
  return { ids: messages.map(({ id }) => id).toReversed(), next: historyId };
}

/** A mail that is deleted meanwhile was none. */
async function readOne(account: Account, id: string, address: string): Promise<Incoming[]> {
  try {
    return readMail(await callGmail<Mail>(account, `messages/${id}?format=full`), address);
  } catch (error) {
    if (error instanceof ChannelFailure && error.kind === "unreachable") return [];
    throw error;
  }
}

const ANSWERED = ["From", "To", "Reply-To", "Subject", "Message-ID", "References", SENT_HEADER];

/** Answers the conversation's last mail that is not ours. What it has been sent already, it is not sent again. */
export async function sendMail(account: Account, threadId: string, text: string, sendId: string): Promise<string> {
  const wanted = ANSWERED.map((name) => `metadataHeaders=${name}`).join("&");
  const place = `threads/${encodeURIComponent(threadId)}?format=metadata&${wanted}`;
  const { messages = [] } = await callGmail<{ messages?: Mail[] }>(account, place);
  const known = messages.find((mail) => headerOf(mail, SENT_HEADER) === sendId);
  if (known) return known.id;
  const last = messages.findLast((mail) => !mail.labelIds?.includes("SENT"));
  if (!last) throw new ChannelFailure("unreachable", "Gmail: there is no mail to answer");
  const raw = rawMail({ ...answerTo(last), sendId, text });
  return (await callGmail<{ id: string }>(account, "messages/send", { raw, threadId })).id;
}

function answerTo(mail: Mail) {
  const [subject, id] = [headerOf(mail, "Subject"), headerOf(mail, "Message-ID")];
  return {
    to: headerOf(mail, "Reply-To") || headerOf(mail, "From"),
    subject: /^re:/i.test(subject) ? subject : `Re: ${subject}`,
    inReplyTo: id,
    references: [headerOf(mail, "References"), id].filter(Boolean).join(" "),
  };
}

export async function downloadAttachment(account: Account, ref: string): Promise<Response> {
  const [mailId = "", attachmentId = ""] = ref.split("/");
  const { data = "" } = await callGmail<{ data?: string }>(account, `messages/${mailId}/attachments/${attachmentId}`);
  const text = atob(data.replaceAll("-", "+").replaceAll("_", "/"));
  return new Response(Uint8Array.from(text, (character) => character.charCodeAt(0)));
}
