import { ChannelFailure } from "../../core/channels/channels.ts";
import { credential, type Account } from "../channel.ts";
import { callVendor, failureOf, postJson } from "../vendor-call.ts";
import { appToken, forgetToken, installationToken, isApp } from "./app-token.ts";

type Request = { method?: string; body?: object };

/** Calls the API as whom the integration acts for: a person, or an installation of an app. */
export async function callGithub<T>(account: Account, path: string, request: Request = {}): Promise<T> {
  const token = await tokenOf(account);
  try {
    return await call<T>(account, path, token, request);
  } catch (error) {
    if (error instanceof ChannelFailure && error.kind === "auth_lost") forgetToken(token);
    throw error;
  }
}

/** The same as the app itself. */
export const callAsApp = async <T>(account: Account, path: string, request: Request = {}): Promise<T> =>
  call<T>(account, path, await appToken(account), request);

async function tokenOf(account: Account): Promise<string> {
  const token = credential(account, "token") || credential(account, "access_token");
  if (token) return token;
  if (!isApp(account)) throw new ChannelFailure("auth_lost", "GitHub: there is no token yet");
  return installationToken(account, () => askForToken(account));
}

/** An installation that is not found was removed. */
async function askForToken(account: Account): Promise<string> {
  const path = `app/installations/${encodeURIComponent(credential(account, "installation_id"))}/access_tokens`;
  try {
    return (await callAsApp<{ token: string }>(account, path, { method: "POST", body: {} })).token;
  } catch (error) {
    if (!(error instanceof ChannelFailure) || error.kind !== "unreachable") throw error;
    throw new ChannelFailure("auth_lost", error.message);
  }
}

async function call<T>(account: Account, path: string, token: string, { method, body }: Request): Promise<T> {
  const headers = {
    authorization: `Bearer ${token}`,
    accept: "application/vnd.github+json",
    "user-agent": "parley",
    "x-github-api-version": "2022-11-28",
  };
  const init = body ? postJson(body, headers) : { headers };
  const answer = await callVendor(account, `${account.baseUrl}/${path}`, { ...init, ...(method ? { method } : {}) });
  if (answer.ok && (answer.json !== null || answer.status === 204)) return answer.json as T;
  throw failureFrom(answer);
}

type Refusal = { message?: string; errors?: { message?: string }[] };

function failureFrom(answer: Parameters<typeof failureOf>[1]): ChannelFailure {
  const { message, errors } = (answer.json ?? {}) as Refusal;
  const said = [message, errors?.[0]?.message].filter(Boolean).join(": ");
  const isLimited = answer.headers.get("x-ratelimit-remaining") === "0" || answer.headers.has("retry-after");
  if ([403, 429].includes(answer.status) && isLimited) {
    return new ChannelFailure("rate_limited", `GitHub: ${said}`, secondsToWait(answer.headers));
  }
  if ([403, 404, 410].includes(answer.status)) return new ChannelFailure("unreachable", `GitHub: ${said}`);
  return failureOf("GitHub", answer, said || undefined);
}

/** GitHub says how long, or until when; else a minute is what it asks for. */
function secondsToWait(headers: Headers): number {
  const [after, reset] = [Number(headers.get("retry-after")), Number(headers.get("x-ratelimit-reset"))];
  if (after > 0) return after;
  return reset > 0 ? Math.max(Math.ceil(reset - Date.now() / 1000), 1) : 60;
}

const ADD_COMMENT = `mutation ($id: ID!, $body: String!) {
  addDiscussionComment(input: {discussionId: $id, body: $body}) { comment { databaseId } }
}`;

type Added = {
  data?: { addDiscussionComment?: { comment?: { databaseId?: number } | null } | null } | null;
  errors?: { type?: string; message?: string }[];
};

/** Discussions are written to through GraphQL alone, whose refusals come as answers. */
export async function commentDiscussion(account: Account, id: string, body: string): Promise<string> {
  const query = { query: ADD_COMMENT, variables: { id, body } };
  const { data, errors } = await callGithub<Added>(account, "graphql", { method: "POST", body: query });
  const commentId = data?.addDiscussionComment?.comment?.databaseId;
  if (commentId !== undefined) return String(commentId);
  const { type, message = "no reason given" } = errors?.[0] ?? {};
  if (type === "RATE_LIMITED") throw new ChannelFailure("rate_limited", `GitHub: ${message}`, 60);
  const isGone = type === "NOT_FOUND" || type === "FORBIDDEN";
  throw new ChannelFailure(isGone ? "unreachable" : "refused", `GitHub: ${message}`);
}
