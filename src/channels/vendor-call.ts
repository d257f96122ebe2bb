import { ChannelFailure } from "../core/channels/channels.ts";
import type { Account } from "./channel.ts";

/** Shorter than the lease of what is being sent, so that nobody else takes it up meanwhile. */
const TIMEOUT_MS = 20_000;

type VendorAnswer = { status: number; ok: boolean; headers: Headers; json: unknown };

/** Calls a vendor and reads its JSON. Only what never reached it, or took too long, fails here; the status is the caller's. */
export async function callVendor(account: Account, url: string, init: RequestInit = {}): Promise<VendorAnswer> {
  const response = await reach(account, url, init);
  const text = await response.text().catch(() => "");
  return { status: response.status, ok: response.ok, headers: response.headers, json: parsed(text) };
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

export const postForm = (fields: Record<string, string>): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/x-www-form-urlencoded" },
  body: new URLSearchParams(fields).toString(),
});

/** What a status says where the vendor says no more. */
export function failureOf(vendor: string, { status, headers }: VendorAnswer, said?: string): ChannelFailure {
  const message = `${vendor}: ${said ?? status}`;
  if (status === 401) return new ChannelFailure("auth_lost", message);
  if (status === 429) return new ChannelFailure("rate_limited", message, secondsOf(headers.get("retry-after")));
  return new ChannelFailure(status >= 500 || status < 300 ? "temporary" : "refused", message);
}

function secondsOf(header: string | null): number | undefined {
  const seconds = Number(header);
  return header && Number.isFinite(seconds) ? seconds : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
