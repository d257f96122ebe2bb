import type { Capabilities, ChannelSecrets, WebhookCall } from "../core/channels/channels.ts";
import type { ChannelPort } from "../core/ports.ts";
import { sameSecret } from "../lib/hash.ts";

/** In whose name a channel acts: what the integration was given, what was made for it, and the ways out. */
export type Account = {
  credentials: { [name: string]: unknown };
  secrets: ChannelSecrets;
  /** The integration's own; absent where it does not exist yet. */
  settings?: { [name: string]: unknown };
  /** Where the vendor's API is; without a slash at the end. */
  baseUrl: string;
  /** Other places of the same vendor. */
  urls: { chats?: string; oauth?: string; consent?: string };
  /** As whom we ask for a person's consent; null: nobody said. */
  client: { id: string; secret: string } | null;
  /** Where the vendor sends them back to. */
  redirectUri: string;
  /** To the vendor itself. */
  fetch: (url: string, init?: RequestInit) => Promise<Response>;
  /** To an address that somebody else named; only to what is public. Throws a ChannelFailure. */
  fetchPublic: (
    url: string,
    init?: { method?: string; headers?: Record<string, string>; body?: string },
  ) => Promise<Response>;
};

type ForAccount<Ability> = Ability extends (...given: infer Given) => infer Answer
  ? (account: Account, ...given: Given) => Answer
  : Ability;

/**
 * What a messaging vendor must provide: everything that the core asks of it, each with the account it is asked for. What is
 * optional in `ChannelPort` is an ability that a vendor may lack.
 */
export type Channel = { [Ability in keyof ChannelPort]: ForAccount<ChannelPort[Ability]> } & {
  readonly capabilities: Capabilities;
};

export const credential = ({ credentials }: Account, name: string): string => {
  const value = credentials[name];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
};

/** A text that an integration may word otherwise than we do. */
export function wording({ settings }: Account, name: string, ours: string): string {
  const theirs = settings?.[name];
  return typeof theirs === "string" && theirs.trim() !== "" ? theirs : ours;
}

/** A burst of messages is answered once. */
export const MESSENGER_DEBOUNCE_MS = 1000;

/** For vendors that sign nothing: whoever knows our address is the vendor. */
export const secretUrl = ({ secrets }: Account, url: string) => `${url}?secret=${secrets.webhookSecret}`;

export const verifySecretUrl = async ({ secrets }: Account, { query }: WebhookCall) =>
  sameSecret(query.get("secret") ?? "", secrets.webhookSecret);

/** The same where the address is given to the vendor by hand, with a secret that the integration was given, too. */
export const verifyGivenSecret = async (account: Account, { query }: WebhookCall) => {
  const given = credential(account, "webhook_secret");
  return given !== "" && sameSecret(query.get("secret") ?? "", given);
};
