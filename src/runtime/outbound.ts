import { DomainError } from "../core/errors.ts";
import { createOutbound, OutboundError, type Outbound } from "../lib/outbound.ts";
import type { OutboundPolicy } from "../lib/outbound-policy.ts";
import type { Config } from "./config.ts";

export const outboundPolicy = (config: Config): OutboundPolicy => ({
  mode: config.OUTBOUND_POLICY,
  allow: config.OUTBOUND_ALLOW,
  ownUrl: config.PUBLIC_URL ?? null,
});

/** The way out as the core knows it: every failure is a DomainError. */
export function openOutbound(policy: OutboundPolicy): Outbound {
  const outbound = createOutbound(policy);
  return (url, init) =>
    outbound(url, init).catch((error: unknown) => {
      if (!(error instanceof OutboundError)) throw error;
      throw new DomainError(error.kind === "refused" ? "invalid" : "upstream_failed", error.message);
    });
}
