import { ChannelFailure, type OAuthGrant, type OAuthRequest, type OAuthTokens } from "../core/channels/channels.ts";
import type { Account } from "./channel.ts";
import { callVendor, failureOf, postForm, postJson } from "./vendor-call.ts";

/** The address of a vendor's consent page. */
export function consentUrl(account: Account, page: string, given: Record<string, string>): string {
  const url = new URL(page);
  url.searchParams.set("client_id", account.client!.id);
  for (const [name, value] of Object.entries(given)) url.searchParams.set(name, value);
  return url.toString();
}

export const pkce = ({ challenge }: OAuthRequest) => ({ code_challenge: challenge, code_challenge_method: "S256" });

type TokenAnswer = {
  access_token?: string;
  refresh_token?: string;
  expires_in?: number;
  error?: string;
  error_description?: string;
};

/** Asks a token endpoint as OAuth 2.0 has it, and reads its answer. A refusal means that the access is gone. */
export async function askForTokens(
  account: Account,
  endpoint: string,
  grant: Record<string, string>,
  encoding: "form" | "json" = "form",
): Promise<OAuthTokens> {
  const fields = { client_id: account.client!.id, client_secret: account.client!.secret, ...grant };
  const init = encoding === "form" ? postForm(fields) : postJson(fields);
  const headers = { ...(init.headers as Record<string, string>), accept: "application/json" };
  const answer = await callVendor(account, endpoint, { ...init, headers });
  const { access_token, refresh_token, expires_in, error, error_description } = (answer.json ?? {}) as TokenAnswer;
  if (answer.ok && access_token) {
    const credentials = { access_token, ...(refresh_token ? { refresh_token } : {}) };
    return { credentials, expiresInSeconds: expires_in };
  }
  const failure = failureOf("OAuth", answer, error_description ?? error);
  const isRefusal = error !== undefined || failure.kind === "refused";
  throw isRefusal && answer.status < 500 ? new ChannelFailure("auth_lost", failure.message) : failure;
}

export const codeGrant = ({ code, redirectUri }: OAuthGrant) => ({
  grant_type: "authorization_code",
  code,
  redirect_uri: redirectUri,
});

export const refreshGrant = (refreshToken: string) => ({ grant_type: "refresh_token", refresh_token: refreshToken });
