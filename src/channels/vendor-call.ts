import { ChannelFailure } from "../core/channels.ts";
import type { Account } from "./channel.ts";

/** Shorter than the lease of what is being sent, so that nobody else takes it up meanwhile. */
const TIMEOUT_MS = 20_000;

export type VendorAnswer = { status: number; headers: Headers; json: unknown };

/** Calls a vendor and reads its JSON. Only what never reached it, or took too long, fails here; the status is the caller's. */
export async function callVendor(account: Account, url: string, init: RequestInit = {}): Promise<VendorAnswer> {
  const response = await reach(account, url, init);
  const text = await response.text().catch(() => "");
  return { status: response.status, headers: response.headers, json: parsed(text) };
}

/** The same for what is not JSON. */
export async function reach(account: Account, url: string, init: RequestInit = {}): Promise<Response> {
  try {
    return await account.fetch(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    // The error of a fetch may name the address, and with it a token.
    throw new ChannelFailure("temporary", "the vendor cannot be reached");
  }
}

export const postJson = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
