import type { Account, Channel } from "../channels/channel.ts";
import { channels } from "../channels/index.ts";
import type { Vendor } from "../core/credentials.ts";
import type { ChannelPort, OpenChannel } from "../core/ports.ts";
import type { Config } from "./config.ts";

const baseUrls = (config: Config): { [V in Vendor]?: string } => ({ telegram: config.TELEGRAM_API_BASE_URL });

/** The core's way to a vendor: its channel, bound to the account that it acts for. */
export const openChannel =
  (config: Config): OpenChannel =>
  (vendor, given) => {
    const channel = channels[vendor];
    const baseUrl = baseUrls(config)[vendor] ?? "";
    return channel ? bind(channel, { ...given, baseUrl, fetch: (url, init) => fetch(url, init) }) : null;
  };

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
