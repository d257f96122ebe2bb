import { credential, withoutMessages, type Channel } from "./channel.ts";
import { askForTokens, codeGrant, consentUrl, pkce, refreshGrant } from "./oauth-client.ts";
import { callVendor, failureOf } from "./vendor-call.ts";

const SCOPES = "openid email profile";

type User = { sub: string; name?: string; email?: string; picture?: string };

/** A Google account, for what acts in its name. It has no conversations. */
export const google: Channel = {
  ...withoutMessages,

  async profile(account) {
    const headers = { authorization: `Bearer ${credential(account, "access_token")}` };
    const answer = await callVendor(account, `${account.baseUrl}/oauth2/v3/userinfo`, { headers });
    const { sub, name, email, picture } = (answer.json ?? {}) as User;
    if (!answer.ok || !sub) throw failureOf("Google", answer);
    return { id: sub, name: name ?? email ?? sub, username: email, avatarUrl: picture };
  },

  authorizeUrl: (account, request) =>
    account.client &&
    consentUrl(account, `${account.urls.consent}/o/oauth2/v2/auth`, {
      redirect_uri: request.redirectUri,
      response_type: "code",
      scope: credential(account, "scope") || SCOPES,
      state: request.state,
      access_type: "offline",
      prompt: "consent",
      ...pkce(request),
    }),

  exchangeCode: (account, grant) =>
    askForTokens(account, `${account.urls.oauth}/token`, { ...codeGrant(grant), code_verifier: grant.verifier }),

  refreshTokens: (account, refreshToken) =>
    askForTokens(account, `${account.urls.oauth}/token`, refreshGrant(refreshToken)),
};
