import { fakeAt, FakeVendor, number, required, type Fields, type Said, type Sample } from "./fake-vendor.ts";

const ADDRESS = "shop@example.com";
const SCOPE = "openid email https://www.googleapis.com/auth/gmail.modify";

type Mail = { id: string; threadId: string; labelIds: string[]; internalDate: string; headers: Fields; text: string };

/** A mailbox as Gmail keeps it: every mail has a place in its history. */
export class Mailbox {
  readonly fake = new FakeVendor();
  readonly token = `ya29.${number()}`;
  readonly mails: { mail: Mail; historyId: number }[] = [];
  readonly attachments = new Map<string, string>();
  historyId = 1000;
  /** What is older is forgotten. */
  oldest = 0;
  watches = 0;

  constructor() {
    mailboxes.set(this.token, this);
  }

  /** A mail comes; one that is there already is there once. */
  receive(mail: Partial<Mail> & Pick<Mail, "id" | "threadId">): void {
    if (this.mails.some((known) => known.mail.id === mail.id)) return;
    const whole = { labelIds: ["INBOX", "UNREAD"], internalDate: String(Date.now()), headers: {}, text: "", ...mail };
    this.mails.push({ mail: whole, historyId: ++this.historyId });
  }
}

const mailboxes = new Map<string, Mailbox>();

const refuse = (code: number, message: string, reason = "") =>
  Response.json({ error: { code, message, errors: [{ message, reason }] } }, { status: code });

fakeAt("http://google.test", async (request, url) => {
  const token = request.headers.get("authorization")?.replace("Bearer ", "") ?? "";
  const mailbox = mailboxes.get(token);
  if (!mailbox || mailbox.fake.revoked) return refuse(401, "Invalid Credentials", "authError");
  const path = url.pathname.replace("/gmail/v1/users/me/", "");
  mailbox.fake.calls.push(path);
  if (path === "profile") return Response.json({ emailAddress: ADDRESS, historyId: String(mailbox.historyId) });
  if (path === "history") return history(mailbox, url);
  if (path === "messages") return recent(mailbox, url);
  if (path === "messages/send") return send(mailbox, await request.json<Fields>());
  if (path === "watch") return watch(mailbox, await request.json<Fields>());
  if (path === "stop") return new Response(null, { status: 204 });
  const [, kind, id, attachment] = /^(messages|threads)\/([^/]+)(?:\/attachments\/(.+))?$/.exec(path) ?? [];
  if (attachment) return Response.json({ data: encoded(mailbox.attachments.get(attachment) ?? "") });
  if (kind === "threads") return thread(mailbox, id!);
  const found = mailbox.mails.find(({ mail }) => mail.id === id);
  return found ? Response.json(whole(found.mail)) : refuse(404, "Requested entity was not found.", "notFound");
});

function history(mailbox: Mailbox, url: URL): Response {
  const since = Number(url.searchParams.get("startHistoryId"));
  if (!Number.isInteger(since) || since === 0) return refuse(400, "Invalid startHistoryId");
  if (since < mailbox.oldest) return refuse(404, "Requested entity was not found.", "notFound");
  const most = Number(url.searchParams.get("maxResults") ?? 100);
  const label = url.searchParams.get("labelId") ?? "";
  const added = mailbox.mails.filter(({ mail, historyId }) => historyId > since && mail.labelIds.includes(label));
  const records = added.slice(0, most).map(({ mail: { id, threadId, labelIds }, historyId }) => ({
    id: String(historyId),
    messagesAdded: [{ message: { id, threadId, labelIds } }],
  }));
  return Response.json({ ...(records.length > 0 ? { history: records } : {}), historyId: String(mailbox.historyId) });
}

function recent(mailbox: Mailbox, url: URL): Response {
  if (!url.searchParams.get("q")?.includes("in:inbox")) return refuse(400, "which mails?");
  const found = mailbox.mails.filter(({ mail }) => mail.labelIds.includes("INBOX")).toReversed();
  return Response.json({ messages: found.map(({ mail: { id, threadId } }) => ({ id, threadId })) });
}

function watch(mailbox: Mailbox, body: Fields): Response {
  if (!/^projects\/[^/]+\/topics\/[^/]+$/.test(String(body["topicName"]))) return refuse(400, "Invalid topicName");
  mailbox.watches += 1;
  return Response.json({ historyId: String(mailbox.historyId), expiration: String(Date.now() + 86_400_000) });
}

const headersOf = ({ headers }: Mail) =>
  Object.entries(headers).map(([name, value]) => ({ name, value: String(value) }));

const whole = (mail: Mail) => ({
  id: mail.id,
  threadId: mail.threadId,
  labelIds: mail.labelIds,
  internalDate: mail.internalDate,
  payload: {
    mimeType: "multipart/mixed",
    headers: headersOf(mail),
    parts: [
      {
        mimeType: "multipart/alternative",
        parts: [
          {
            mimeType: "text/plain",
            headers: [{ name: "Content-Type", value: 'text/plain; charset="UTF-8"' }],
            body: { data: encoded(mail.text) },
          },
          { mimeType: "text/html", body: { data: encoded(`<p>${mail.text}</p>`) } },
        ],
      },
    ],
  },
});

const encoded = (text: string) =>
  btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_");

const decoded = (text: string) =>
  new TextDecoder().decode(
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/").replaceAll("\r\n", "")), (c) =>
      c.charCodeAt(0),
    ),
  );

/** RFC 2047: words that are not ASCII, each in an envelope of 75 characters at most. */
export const unworded = (text = "") =>
  text.replaceAll(/=\?UTF-8\?B\?([^?]*)\?=(\s+(?==\?))?/g, (word, letters: string) => {
    if (word.trim().length > 75) throw new Error("the encoded word is too long");
    return decoded(letters);
  });

function thread({ mails, fake }: Mailbox, id: string): Response {
  if (fake.isLimited) return refuse(403, "User-rate limit exceeded.", "userRateLimitExceeded");
  const found = mails.filter(({ mail }) => mail.threadId === id);
  if (found.length === 0 || fake.unreachable) return refuse(404, "Requested entity was not found.", "notFound");
  return Response.json({ id, messages: found.map(({ mail }) => whole(mail)) });
}

/** A mail as RFC 5322 has it: lines of ASCII, to whom, about what, and which it answers. */
function send(mailbox: Mailbox, body: Fields): Response {
  required(body, "raw", "threadId");
  const raw = decoded(String(body["raw"]));
  const [head = "", text = ""] = raw.split("\r\n\r\n");
  const lines = head.replaceAll("\r\n ", " ").split("\r\n");
  if (!/^[\x20-\x7e\r\n]*$/.test(raw) || raw.split("\r\n").some(({ length }) => length > 998))
    return refuse(400, "Invalid MIME");
  const headers = Object.fromEntries(lines.map((line) => [line.split(": ")[0]!, line.slice(line.indexOf(": ") + 2)]));
  const answered = mailbox.mails.find(({ mail }) => mail.headers["Message-ID"] === headers["In-Reply-To"]);
  if (!headers["To"]?.includes("@")) return refuse(400, "Recipient address required");
  if (answered?.mail.threadId !== body["threadId"] || !unworded(headers["Subject"]).startsWith("Re: "))
    return refuse(400, "does not belong to the thread");
  const threadId = String(body["threadId"]);
  const id = `sent-${number()}`;
  mailbox.receive({ id, threadId, labelIds: ["SENT"], headers: { From: ADDRESS, ...headers }, text: decoded(text) });
  mailbox.fake.send(threadId, decoded(text));
  return Response.json({ id, threadId, labelIds: ["SENT"] });
}

const push = ({ historyId }: Mailbox, id: string) =>
  JSON.stringify({
    message: {
      data: btoa(JSON.stringify({ emailAddress: ADDRESS, historyId })),
      messageId: id,
      publishTime: "2026-11-25T12:00:00.000Z",
    },
    subscription: "projects/p/subscriptions/s",
  });

const mailboxOf = (account: Fields) => mailboxes.get(String(account["access_token"]))!;

function arrives({ chat, user, text, id, at }: Said, account: Fields, other: Partial<Mail> = {}): string {
  const mailbox = mailboxOf(account);
  const headers = {
    From: `"Ann Lee" <ann-${user}@example.org>`,
    To: ADDRESS,
    Subject: "Re: Your shop",
    "Message-ID": `<${id}@example.org>`,
    "In-Reply-To": "<first@example.com>",
    ...other.headers,
  };
  mailbox.receive({ id: `m${id}`, threadId: chat, text, internalDate: String(at.getTime()), ...other, headers });
  return push(mailbox, id);
}

export const google: Sample = {
  vendor: "google",
  open: () => {
    const { fake, token } = new Mailbox();
    return { fake, auth_data: { access_token: token, scope: SCOPE, webhook_secret: `secret-${token}` } };
  },
  isReady: ({ calls }) => calls.includes("profile"),
  name: "shop@",
  chat: () => `thread${number()}`,
  says: (said, account) => arrives(said, account),
  ignored: (said, account) => [
    arrives({ ...said, id: String(number()) }, account, { headers: { From: ADDRESS } }),
    arrives({ ...said, id: String(number()) }, account, { headers: { "Auto-Submitted": "auto-replied" } }),
    arrives({ ...said, id: String(number()) }, account, { headers: { "List-Id": "<news.example.org>" } }),
    arrives({ ...said, id: String(number()) }, account, { labelIds: ["SPAM"] }),
  ],
  sign: async (_body, account) => ({ query: `secret=${String(account["webhook_secret"])}` }),
  setsUp: false,
  tearsDown: false,
};
