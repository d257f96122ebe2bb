import { ChannelFailure, type Incoming, type Outgoing } from "../core/channels.ts";
import { hmac, sameSecret } from "../lib/hash.ts";
import { credential, MESSENGER_DEBOUNCE_MS, type Account, type Channel } from "./channel.ts";
import { askForTokens, codeGrant, consentUrl, pkce, refreshGrant } from "./oauth-client.ts";
import { cutIntoPieces } from "./pieces.ts";
import { plainMarkup } from "./plain-markup.ts";
import { approvalQuestionInWords } from "./questions.ts";
import { callVendor, failureOf, postJson } from "./vendor-call.ts";

const LIMIT = 65_000;
/** Not shown by GitHub: by it we know our own comments, whoever's token they were written with. */
const OURS = "<!-- parley -->";

type User = { id: number; login: string; type?: string; avatar_url?: string };
type Event = {
  action?: string;
  repository?: { full_name: string };
  issue?: { number: number; title: string; body?: string | null; user: User; created_at?: string };
  pull_request?: { number: number };
  comment?: { id: number; body: string; user: User; created_at?: string; updated_at?: string };
};

/** Issues and pull requests of GitHub as conversations, https://docs.github.com/webhooks. The webhook is added to the repository by hand. */
export const github: Channel = {
  capabilities: { buttons: false, edits: true, files: false, maxTextLength: LIMIT, debounceMs: MESSENGER_DEBOUNCE_MS },

  async verify(account, { headers, body }) {
    const secret = credential(account, "webhook_secret") || account.secrets.webhookSecret;
    const signature = headers.get("x-hub-signature-256") ?? "";
    return sameSecret(signature, `sha256=${await hmac("SHA-256", secret, body)}`);
  },

  read(_account, { headers, body }) {
    const [event, delivery] = [headers.get("x-github-event") ?? "", headers.get("x-github-delivery") ?? ""];
    return delivery ? readEvent(event, delivery, JSON.parse(body) as Event) : [];
  },

  compose: (_account, outgoing) => compose(outgoing),

  async send(account, chatKey, message) {
    const [repository, issue] = chatKey.split("#");
    const { id } = await callGithub<{ id: number }>(account, `repos/${repository}/issues/${issue}/comments`, message);
    return String(id);
  },

  async profile(account) {
    const { id, login, avatar_url } = await callGithub<User>(account, "user");
    return { id: String(id), name: login, username: login, avatarUrl: avatar_url };
  },

  authorizeUrl: (account, request) =>
    account.client &&
    consentUrl(account, `${account.urls.oauth}/login/oauth/authorize`, {
      redirect_uri: request.redirectUri,
      scope: credential(account, "scope") || "repo",
      state: request.state,
      ...pkce(request),
    }),

  exchangeCode: (account, grant) =>
    askForTokens(account, `${account.urls.oauth}/login/oauth/access_token`, {
      ...codeGrant(grant),
      code_verifier: grant.verifier,
    }),

  refreshTokens: (account, refreshToken) =>
    askForTokens(account, `${account.urls.oauth}/login/oauth/access_token`, refreshGrant(refreshToken)),
};

const COMMENTS = new Set(["issue_comment", "pull_request_review_comment"]);

function readEvent(
  event: string,
  eventId: string,
  { action, repository, issue, pull_request, comment }: Event,
): Incoming[] {
  const number = issue?.number ?? pull_request?.number;
  const author = comment?.user ?? issue?.user;
  if (!repository || !number || !author || author.type === "Bot") return [];
  const shared = { eventId, chatKey: `${repository.full_name}#${number}`, sender: senderOf(author) };
  if (event === "issues" && action === "opened" && issue) {
    const text = [issue.title, issue.body ?? ""].filter(Boolean).join("\n\n");
    return [{ ...shared, at: timeOf(issue.created_at), type: "message", messageKey: "issue", text, files: [] }];
  }
  if (!COMMENTS.has(event) || !comment?.body || comment.body.includes(OURS)) return [];
  const what = { messageKey: String(comment.id), text: comment.body };
  if (action === "created") return [{ ...shared, at: timeOf(comment.created_at), type: "message", ...what, files: [] }];
  return action === "edited" ? [{ ...shared, at: timeOf(comment.updated_at), type: "edit", ...what }] : [];
}

const senderOf = ({ id, login, avatar_url }: User) => ({ key: String(id), name: login, avatarUrl: avatar_url ?? null });
const timeOf = (iso: string | undefined) => (iso === undefined ? null : Date.parse(iso));

/** GitHub shows Markdown as it is; only what is far too long is cut. */
function compose(outgoing: Outgoing) {
  const text = outgoing.type === "text" ? outgoing.text : approvalQuestionInWords(outgoing);
  const pieces = text.length <= LIMIT ? [text] : cutIntoPieces(text, plainMarkup(LIMIT)).map((piece) => piece.text);
  return pieces.map((piece) => ({ body: `${piece}\n\n${OURS}` }));
}

async function callGithub<T>(account: Account, path: string, body?: object): Promise<T> {
  const token = credential(account, "token") || credential(account, "access_token");
  if (!token) throw new ChannelFailure("auth_lost", "GitHub: there is no token yet");
  const headers = {
    authorization: `Bearer ${token}`,
    accept: "application/vnd.github+json",
    "user-agent": "parley",
    "x-github-api-version": "2022-11-28",
  };
  const answer = await callVendor(account, `${account.baseUrl}/${path}`, body ? postJson(body, headers) : { headers });
  if (answer.ok && answer.json !== null) return answer.json as T;
  const { message } = (answer.json ?? {}) as { message?: string };
  const isLimited = answer.headers.get("x-ratelimit-remaining") === "0" || answer.headers.has("retry-after");
  if (answer.status === 403 && isLimited) {
    const seconds = Number(answer.headers.get("retry-after") ?? 60);
    throw new ChannelFailure("rate_limited", `GitHub: ${message}`, seconds);
  }
  if ([403, 404, 410].includes(answer.status)) throw new ChannelFailure("unreachable", `GitHub: ${message}`);
  throw failureOf("GitHub", answer, message);
}
