import { refusalOf } from "../lib/outbound-policy.ts";
import type { Ctx } from "./context.ts";
import { invalid } from "./errors.ts";

/** Refuses to keep an address that would never be called. It is looked at again whenever it is called. */
export function requireOutboundUrl(ctx: Pick<Ctx, "outboundPolicy">, field: string, url: string): void {
  const refusal = refusalOf(url, ctx.outboundPolicy);
  if (refusal) throw invalid(field, refusal);
}
