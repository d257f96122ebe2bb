import { sameSecret } from "../../lib/hash.ts";
import { credential, MESSENGER_DEBOUNCE_MS, type Account, type Channel } from "../channel.ts";
import { askForTokens, codeGrant, consentUrl, pkce, refreshGrant } from "../oauth-client.ts";
import { cutIntoPieces } from "../pieces.ts";
import { plainMarkup } from "../plain-markup.ts";
import { withoutButtons } from "../questions.ts";
import { callVendor, failureOf } from "../vendor-call.ts";
import {
  askForMailbox,
  collectMail,
  downloadAttachment,
  sendMail,
  setUpMail,
  tearDownMail,
  usesMail,
} from "./gmail.ts";

const SCOPES = "openid email profile";

type User = { sub: string; name?: string; email?: string; picture?: string };

/** Nobody reads a longer mail. */
const LIMIT = 100_000;

/**
 * A Google account, for what acts in its name. Where its `scope` has Gmail in it, the conversations of its mailbox are ours:
 * asked for every minute, or at once when a push subscription of Pub/Sub calls, which knows the secret.
 */
export const google: Channel = {
  capabilities: { buttons: false, edits: false, files: true, maxTextLength: LIMIT, debounceMs: MESSENGER_DEBOUNCE_MS },

  async verify(account, { query }) {
    const secret = credential(account, "webhook_secret") || account.secrets.webhookSecret;
    return sameSecret(query.get("secret") ?? query.get("token") ?? "", secret);
  },

  /** A call says that something came, not what. */
  read: () => [],

  collect: collectMail,

  compose: (_account, outgoing) =>
    cutIntoPieces(withoutButtons(outgoing), plainMarkup(LIMIT)).map(({ text }) => ({ text })),

  send: (account, chatKey, message, sendId) => sendMail(account, chatKey, message["text"] as string, sendId),

  download: downloadAttachment,

  profile: (account) => (usesMail(account) ? mailProfile(account) : userProfile(account)),

  setUp: setUpMail,
  tearDown: tearDownMail,

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

async function userProfile(account: Account) {
  const headers = { authorization: `Bearer ${credential(account, "access_token")}` };
  const answer = await callVendor(account, `${account.baseUrl}/oauth2/v3/userinfo`, { headers });
  const { sub, name, email, picture } = (answer.json ?? {}) as User;
  if (!answer.ok || !sub) throw failureOf("Google", answer);
  return { id: sub, name: name ?? email ?? sub, username: email, avatarUrl: picture };
}

async function mailProfile(account: Account) {
  const { emailAddress } = await askForMailbox(account);
  return { id: emailAddress, name: emailAddress, username: emailAddress };
}
