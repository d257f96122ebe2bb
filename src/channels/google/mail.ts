import type { Incoming, RemoteFile, Sender } from "../../core/channels/channels.ts";
import { base64Url } from "../../lib/hash.ts";

type Header = { name: string; value: string };
type Part = {
  mimeType?: string;
  filename?: string;
  headers?: Header[];
  body?: { attachmentId?: string; size?: number; data?: string };
  parts?: Part[];
};
export type Mail = { id: string; threadId: string; labelIds?: string[]; internalDate?: string; payload?: Part };

export const headerOf = ({ payload }: Pick<Mail, "payload">, name: string): string =>
  payload?.headers?.find((header) => header.name.toLowerCase() === name.toLowerCase())?.value ?? "";

/** Who sends: the name may be quoted, or missing. */
function senderOf(field: string): Sender | null {
  const [, name = "", address = ""] = /^\s*"?(.*?)"?\s*<([^<>\s]+@[^<>\s]+)>\s*$/.exec(field) ?? ["", "", field.trim()];
  return /^\S+@\S+$/.test(address) ? { key: address.toLowerCase(), name: name || null } : null;
}

const UNREAD_LABELS = new Set(["SENT", "DRAFT", "SPAM", "TRASH", "CHAT"]);
const FROM_NOBODY = /^(mailer-daemon|postmaster|no-?reply|do-?not-?reply)@/;

/** What machines write is not answered: two of them would never stop. */
function isFromMachine(mail: Mail, { key }: Sender): boolean {
  const submitted = headerOf(mail, "Auto-Submitted");
  const isList = headerOf(mail, "List-Id") !== "" || headerOf(mail, "List-Unsubscribe") !== "";
  const isBulk = /bulk|list|junk|auto_reply/i.test(headerOf(mail, "Precedence"));
  return (submitted !== "" && submitted.toLowerCase() !== "no") || isList || isBulk || FROM_NOBODY.test(key);
}

/** A mail as what somebody says in its conversation. `ours`: the address that is written to. */
export function readMail(mail: Mail, ours: string): Incoming[] {
  const sender = senderOf(headerOf(mail, "From"));
  if (!sender || sender.key === ours.toLowerCase() || isFromMachine(mail, sender)) return [];
  if (mail.labelIds?.some((label) => UNREAD_LABELS.has(label))) return [];
  const [text, files] = [wordsOf(mail), filesOf(mail.id, mail.payload)];
  if (text === "" && files.length === 0) return [];
  const at = Number(mail.internalDate ?? Number.NaN);
  const shared = { eventId: mail.id, chatKey: mail.threadId, sender, at: Number.isNaN(at) ? null : at };
  return [{ ...shared, type: "message", messageKey: mail.id, text, files }];
}

/** The subject is said once, by the mail that begins the conversation. */
function wordsOf(mail: Mail): string {
  const subject = headerOf(mail, "In-Reply-To") === "" ? headerOf(mail, "Subject").trim() : "";
  return [subject, withoutQuote(textOf(mail.payload))].filter((part) => part !== "").join("\n\n");
}

function textOf(part: Part | undefined): string {
  const [plain, html] = [find(part, "text/plain"), find(part, "text/html")];
  if (plain) return decoded(plain);
  return html ? withoutTags(decoded(html)) : "";
}

const find = (part: Part | undefined, type: string): Part | undefined => {
  if (part?.mimeType === type && part.body?.data && !part.filename) return part;
  for (const inner of part?.parts ?? []) {
    const found = find(inner, type);
    if (found) return found;
  }
  return undefined;
};

function decoded({ headers = [], body }: Part): string {
  const type = headers.find(({ name }) => name.toLowerCase() === "content-type")?.value ?? "";
  const charset = /charset="?([\w-]+)"?/i.exec(type)?.[1] ?? "utf-8";
  const bytes = Uint8Array.from(fromBase64Url(body?.data ?? ""), (character) => character.charCodeAt(0));
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}

const fromBase64Url = (text: string) => atob(text.replaceAll("-", "+").replaceAll("_", "/"));

const withoutTags = (html: string) =>
  html
    .replace(/<(style|script|head)\b.*?<\/\1>/gis, "")
    .replace(/<blockquote\b.*$/is, "")
    .replace(/<br\s*\/?>|<\/(p|div|tr|li|h\d)>/gi, "\n")
    .replace(/<[^>]*>/g, "")
    .replace(/&nbsp;/g, " ")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, "&")
    .replace(/\n{3,}/g, "\n\n")
    .trim();

const QUOTE_BEGINS =
  /^(On\b.{4,200}\bwrote:|.{4,200}(пишет|написал(\(а\)|а)?):|-{3,}\s*(Original Message|Исходное сообщение)\s*-{3,}|_{20,})\s*$/im;

/** What an answer repeats of the mails before it was read already. */
function withoutQuote(text: string): string {
  const lines = text.replaceAll("\r\n", "\n");
  const begins = QUOTE_BEGINS.exec(lines)?.index ?? lines.length;
  const said = lines.slice(0, begins).replace(/(\n>[^\n]*)+\s*$/, "");
  return (said.trim() || lines).trim();
}

function filesOf(mailId: string, part: Part | undefined): RemoteFile[] {
  const { filename, mimeType, body } = part ?? {};
  const inner = (part?.parts ?? []).flatMap((each) => filesOf(mailId, each));
  if (!filename || !body?.attachmentId) return inner;
  const mediaType = mimeType ?? "application/octet-stream";
  return [{ ref: `${mailId}/${body.attachmentId}`, name: filename, mediaType, sizeBytes: body.size ?? null }, ...inner];
}

/** By it we know what we have sent already. */
export const SENT_HEADER = "X-Parley-Id";

type Letter = { to: string; subject: string; inReplyTo: string; references: string; sendId: string; text: string };

/** A mail as it is handed to Gmail: RFC 5322, in base64. */
export function rawMail({ to, subject, inReplyTo, references, sendId, text }: Letter): string {
  const lines = [
    `To: ${oneLine(to)}`,
    `Subject: ${encodedWords(oneLine(subject))}`,
    ...(inReplyTo ? [`In-Reply-To: ${oneLine(inReplyTo)}`] : []),
    ...(references ? [`References: ${oneLine(references)}`] : []),
    `${SENT_HEADER}: ${sendId}`,
    "Auto-Submitted: auto-replied",
    "MIME-Version: 1.0",
    'Content-Type: text/plain; charset="UTF-8"',
    "Content-Transfer-Encoding: base64",
    "",
    base64(text).replace(/.{76}/g, "$&\r\n"),
  ];
  return base64Url(new TextEncoder().encode(lines.join("\r\n")));
}

/** A header with a line break in it would be two. */
const oneLine = (text: string) => text.replace(/[\r\n]+/g, " ").trim();

const base64 = (text: string) =>
  btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));

/** RFC 2047: an encoded word has 75 characters at most. */
function encodedWords(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const words = Array.from(text).reduce<string[]>((found, character) => {
    const last = found.at(-1);
    if (last === undefined || new TextEncoder().encode(last + character).length > 42) return [...found, character];
    return [...found.slice(0, -1), last + character];
  }, []);
  return words.map((word) => `=?UTF-8?B?${base64(word)}?=`).join("\r\n ");
}
