import { credential, withoutMessages, type Channel } from "./channel.ts";
import { askForTokens, codeGrant, consentUrl, pkce, refreshGrant } from "./oauth-client.ts";
import { callVendor, failureOf } from "./vendor-call.ts";

type User = { id: string; login: string; real_name?: string; default_avatar_id?: string };

/** A Yandex account, for what acts in its name. It has no conversations. */
export const yandex: Channel = {
  ...withoutMessages,

  async profile(account) {
    const headers = { authorization: `OAuth ${credential(account, "access_token")}` };
    const answer = await callVendor(account, `${account.baseUrl}/info?format=json`, { headers });
    const { id, login, real_name: name } = (answer.json ?? {}) as User;
    if (!answer.ok || !id) throw failureOf("Yandex", answer);
    return { id, name: name ?? login, username: login };
  },

  authorizeUrl: (account, request) =>
    account.client &&
    consentUrl(account, `${account.urls.oauth}/authorize`, {
      redirect_uri: request.redirectUri,
      response_type: "code",
      state: request.state,
      ...(credential(account, "scope") ? { scope: credential(account, "scope") } : {}),
      ...pkce(request),
    }),

  exchangeCode: (account, grant) =>
    askForTokens(account, `${account.urls.oauth}/token`, { ...codeGrant(grant), code_verifier: grant.verifier }),

  refreshTokens: (account, refreshToken) =>
    askForTokens(account, `${account.urls.oauth}/token`, refreshGrant(refreshToken)),
};
