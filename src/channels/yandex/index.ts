import type { Outgoing } from "../../core/channels/channels.ts";
import { ChannelFailure } from "../../core/channels/channels.ts";
import { credential, verifyGivenSecret, type Account, type Channel } from "../channel.ts";
import { askForTokens, codeGrant, consentUrl, pkce, refreshGrant } from "../oauth-client.ts";
import { composeSpoken } from "../spoken.ts";
import { callVendor, failureOf } from "../vendor-call.ts";
import { callerOf, greetAlice, isOurSkill, LONGEST_TEXT, readAlice, speakAlice } from "./alice.ts";

type User = { id: string; login: string; real_name?: string; default_avatar_id?: string };

/**
 * A skill of the assistant Alice, https://yandex.ru/dev/dialogs/alice/doc/, and a Yandex account for what acts in its name.
 * The address of the webhook is entered for the skill by hand, with `?secret=` and the integration's `webhook_secret`.
 */
export const yandex: Channel = {
  capabilities: {
    buttons: false,
    edits: false,
    files: false,
    maxTextLength: LONGEST_TEXT,
    debounceMs: 0,
    answerWithinMs: 2500,
  },

  verify: async (account, call) => (await verifyGivenSecret(account, call)) && isOurSkill(account, call),

  read: (_account, call) => readAlice(call),

  caller: (_account, call) => callerOf(call),

  speak: speakAlice,

  answer: (account) => greetAlice(account),

  compose: (_account, outgoing: Outgoing) => composeSpoken(outgoing, LONGEST_TEXT),

  send: () => Promise.reject(new ChannelFailure("refused", "Alice speaks when she is spoken to")),

  async profile(account) {
    const skill = credential(account, "skill_id");
    if (!credential(account, "access_token") && skill) return { id: skill, name: "Alice" };
    return askForUser(account);
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

async function askForUser(account: Account) {
  const headers = { authorization: `OAuth ${credential(account, "access_token")}` };
  const answer = await callVendor(account, `${account.baseUrl}/info?format=json`, { headers });
  const { id, login, real_name: name, default_avatar_id: avatar } = (answer.json ?? {}) as User;
  if (!answer.ok || !id) throw failureOf("Yandex", answer);
  const avatarUrl = avatar && `https://avatars.yandex.net/get-yapic/${avatar}/islands-200`;
  return { id, name: name ?? login, username: login, avatarUrl };
}
