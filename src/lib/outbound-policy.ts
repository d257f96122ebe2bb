import ipaddr from "ipaddr.js";

export type OutboundPolicy = {
  /** `local` also opens this machine's own loopback addresses. */
  mode: "strict" | "local";
  /** Targets that are open whatever else holds: `host:port`, or `host` for all its ports. */
  allow: readonly string[];
  /** Where this server itself is reached; it is never called through here. */
  ownUrl: string | null;
};

/** Names that only mean something inside a network. */
const INNER_NAMES = /(^|\.)(localhost|local|localdomain|internal|intranet|private|corp|home|lan|home\.arpa)$/;

/**
 * Why an address that somebody else chose may not be called, as the rest of a sentence that begins with its name; null when
 * it may. The address is looked at as it will be called: decimal, octal and hexadecimal spellings have become plain ones.
 */
export function refusalOf(address: string, policy: OutboundPolicy): string | null {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (!url || !/^https?:$/.test(url.protocol)) return "must be an http or https URL";
  if (url.username || url.password) return "must not carry a user name or password";
  if (policy.allow.some((entry) => entry === hostOf(url) || `${entry}:${portOf(url)}` === hostOf(url))) return null;
  if (isOwn(url, policy.ownUrl)) return "must not be this server itself";
  const port = portOf(url);
  if (port !== 80 && port !== 443 && port < 1024) return `must not use port ${port}`;
  if (policy.mode === "local" && isLoopback(nameOf(url))) return null;
  return isPublic(nameOf(url)) ? null : "must not be a private, reserved or local address";
}

/** Without the dot that may end a name, and without the brackets of an IPv6 address. */
const nameOf = (url: URL) => url.hostname.replace(/\.$/, "").replace(/^\[|\]$/g, "");
const portOf = (url: URL) => Number(url.port || (url.protocol === "https:" ? 443 : 80));
const hostOf = (url: URL) => `${url.hostname.replace(/\.$/, "")}:${portOf(url)}`;

function isOwn(url: URL, ownUrl: string | null): boolean {
  if (!ownUrl) return false;
  const own = new URL(ownUrl);
  if (isLoopback(nameOf(own))) return isLoopback(nameOf(url)) && portOf(own) === portOf(url);
  return nameOf(own) === nameOf(url);
}

function isLoopback(name: string): boolean {
  if (ipaddr.isValid(name)) return ipaddr.parse(name).range() === "loopback";
  return /(^|\.)localhost$/.test(name);
}

function isPublic(name: string): boolean {
  if (!ipaddr.isValid(name)) return name.includes(".") && !INNER_NAMES.test(name);
  const address = ipaddr.parse(name);
  // Every range with a name is special, also those that carry an IPv4 address inside; in IPv6 only one block is given out.
  if (address.range() !== "unicast") return false;
  return address.kind() === "ipv4" || address.match(GIVEN_OUT);
}

const GIVEN_OUT = ipaddr.parseCIDR("2000::/3");
