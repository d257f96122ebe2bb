import type { Capabilities, ChannelSecrets } from "../core/channels.ts";
import type { ChannelPort } from "../core/ports.ts";

/** In whose name a channel acts: what the integration was given, what was made for it, and the way to the vendor. */
export type Account = {
  credentials: { [name: string]: unknown };
  secrets: ChannelSecrets;
  /** Where the vendor's API is; without a slash at the end. */
  baseUrl: string;
  fetch: (url: string, init?: RequestInit) => Promise<Response>;
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

/** A chat's messages of a minute ago are not worth an answer to the second: a burst is answered once. */
export const MESSENGER_DEBOUNCE_MS = 1000;
