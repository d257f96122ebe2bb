import type { Outgoing } from "../../core/channels/channels.ts";
import { hmac, sameSecret } from "../../lib/hash.ts";
import { credential, MESSENGER_DEBOUNCE_MS, type Account, type Channel } from "../channel.ts";
import { askForTokens, codeGrant, consentUrl, pkce, refreshGrant } from "../oauth-client.ts";
import { cutIntoPieces } from "../pieces.ts";
import { plainMarkup } from "../plain-markup.ts";
import { withoutButtons } from "../questions.ts";
import { callAsApp, callGithub, commentDiscussion } from "./api.ts";
import { isApp } from "./app-token.ts";
import { addHook, removeHook, webhookSecret } from "./hook.ts";
import { OURS, readEvent, type Event, type User } from "./read.ts";

const LIMIT = 65_000;

/** Issues, pull requests and discussions of GitHub as conversations, by a person's token or as an app, https://docs.github.com. */
export const github: Channel = {
  capabilities: { buttons: false, edits: true, files: false, maxTextLength: LIMIT, debounceMs: MESSENGER_DEBOUNCE_MS },

  async verify(account, { headers, body }) {
    const signature = headers.get("x-hub-signature-256") ?? "";
    return sameSecret(signature, `sha256=${await hmac("SHA-256", webhookSecret(account), body)}`);
  },

  /** An app has one webhook for all of its installations. */
  read(account, { headers, body }) {
    const [name, delivery] = [headers.get("x-github-event") ?? "", headers.get("x-github-delivery") ?? ""];
    const event = JSON.parse(body) as Event;
    const ours = isApp(account) ? credential(account, "installation_id") : null;
    const isOurs = ours === null || String(event.installation?.id) === ours;
    return delivery && isOurs ? readEvent(name, delivery, event) : [];
  },

  compose: (_account, outgoing) => compose(outgoing),

  async send(account, chatKey, message) {
    const [, repository, number, discussion] = /^(.*)#(\d+)(?:\/(.+))?$/.exec(chatKey) ?? [];
    if (discussion) return commentDiscussion(account, discussion, message["body"] as string);
    const path = `repos/${repository}/issues/${number}/comments`;
    const { id } = await callGithub<{ id: number }>(account, path, { method: "POST", body: message });
    return String(id);
  },

  profile: (account) => (isApp(account) ? appProfile(account) : personProfile(account)),

  setUp: addHook,
  tearDown: removeHook,

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

async function personProfile(account: Account) {
  const { id, login, avatar_url } = await callGithub<User>(account, "user");
  return { id: String(id), name: login, username: login, avatarUrl: avatar_url };
}

type App = { id: number; slug?: string; name: string; owner?: { avatar_url?: string } };

/** The app's key is asked about, and its installation: either may be gone. */
async function appProfile(account: Account) {
  const { id, slug, name, owner } = await callAsApp<App>(account, "app");
  await callGithub(account, "installation/repositories?per_page=1");
  return { id: String(id), name, username: slug, avatarUrl: owner?.avatar_url };
}

/** GitHub shows Markdown as it is; only what is far too long is cut. */
function compose(outgoing: Outgoing) {
  const text = withoutButtons(outgoing);
  const pieces = text.length <= LIMIT ? [text] : cutIntoPieces(text, plainMarkup(LIMIT)).map((piece) => piece.text);
  return pieces.map((piece) => ({ body: `${piece}\n\n${OURS}` }));
}
