import type { Account, Channel } from "../channels/channel.ts";
import { channels } from "../channels/index.ts";
import { ChannelFailure } from "../core/channels/channels.ts";
import type { Credentials, Vendor } from "../core/channels/credentials.ts";
import type { ChannelPort, OpenChannel } from "../core/ports.ts";
import { createOutbound, OutboundError } from "../lib/outbound.ts";
import type { Config } from "./config.ts";
import { outboundPolicy } from "./outbound.ts";

const MOST_BYTES = 25_000_000;

const baseUrls = (config: Config): { [V in Vendor]?: string } => ({
  telegram: config.TELEGRAM_API_BASE_URL,
  whatsapp: config.WHATSAPP_API_BASE_URL,
  vk: config.VK_API_BASE_URL,
  ok: config.OK_API_BASE_URL,
  max: config.MAX_API_BASE_URL,
  avito: config.AVITO_API_BASE_URL,
  amocrm: config.AMOCRM_API_BASE_URL,
  bitrix: config.BITRIX_API_BASE_URL,
  github: config.GITHUB_API_BASE_URL,
  google: config.GOOGLE_API_BASE_URL,
  yandex: config.YANDEX_API_BASE_URL,
  sber: config.SBER_API_BASE_URL,
});

const otherUrls = (config: Config): { [V in Vendor]?: Account["urls"] } => ({
  amocrm: { chats: config.AMOJO_API_BASE_URL, oauth: config.AMOCRM_OAUTH_BASE_URL },
  avito: { oauth: config.AVITO_OAUTH_BASE_URL },
  bitrix: { oauth: config.BITRIX_OAUTH_BASE_URL },
  github: { oauth: config.GITHUB_OAUTH_BASE_URL },
  google: { oauth: config.GOOGLE_OAUTH_BASE_URL, consent: "https://accounts.google.com" },
  vk: { oauth: config.VK_OAUTH_BASE_URL },
  yandex: { oauth: config.YANDEX_OAUTH_BASE_URL },
});

/** The integration's own client comes first. */
function clientOf(config: Config, vendor: Vendor, credentials: Credentials): Account["client"] {
  const configured = (part: "ID" | "SECRET") => config[`${vendor.toUpperCase()}_CLIENT_${part}` as keyof Config];
  const id = credentials["client_id"] ?? configured("ID");
  const secret = credentials["client_secret"] ?? configured("SECRET");
  return typeof id === "string" && typeof secret === "string" ? { id, secret } : null;
}

/** The core's way to a vendor: its channel, bound to the account that it acts for. */
export const openChannel =
  (config: Config): OpenChannel =>
  (vendor, given) => {
    const channel = channels[vendor];
    const baseUrl = baseUrls(config)[vendor] ?? "";
    const waysOut = { fetch: (url: string, init?: RequestInit) => fetch(url, init), fetchPublic: publicFetch(config) };
    const urls = otherUrls(config)[vendor] ?? {};
    const redirectUri = `${config.PUBLIC_URL ?? ""}/integrations/oauth/callback`;
    const client = clientOf(config, vendor, given.credentials);
    return channel ? bind(channel, { ...given, ...waysOut, baseUrl, urls, client, redirectUri }) : null;
  };

function publicFetch(config: Config): Account["fetchPublic"] {
  const outbound = createOutbound(outboundPolicy(config));
  return async (url, init) => {
    try {
      const { status, headers, body } = await outbound(url, { ...init, maxBytes: MOST_BYTES, timeoutMs: 20_000 });
      return new Response(status === 204 ? null : body, { status, headers });
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error;
      throw new ChannelFailure(error.kind === "refused" ? "refused" : "temporary", error.message);
    }
  };
}

/** What a vendor lacks stays absent. */
function bind(channel: Channel, account: Account): ChannelPort {
  const abilities = Object.entries(channel).map(([name, ability]) => [
    name,
    typeof ability === "function" ? (ability as Bindable).bind(channel, account) : ability,
  ]);
  // The contract says that each ability is the port's with an account before what it is given.
  return Object.fromEntries(abilities) as ChannelPort;
}

type Bindable = (account: Account, ...given: unknown[]) => unknown;
