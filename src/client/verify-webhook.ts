import type { WebhookEvent } from "./types.ts";

const LATEST_SECONDS = 300;
const encoder = new TextEncoder();

/** A call that the endpoint's secret has not signed, or not lately. */
export class WebhookVerificationError extends Error {
  override name = "WebhookVerificationError";
}

/** The event of a webhook call. `body` must be the text exactly as it came, before anything has parsed it. */
export async function verifyWebhook(
  body: string,
  headers: Headers | Record<string, string | string[] | undefined>,
  secret: string,
): Promise<WebhookEvent> {
  const [id, timestamp, signatures] = ["id", "timestamp", "signature"].map((name) =>
    header(headers, `webhook-${name}`),
  );
  if (!id || !timestamp || !signatures) throw new WebhookVerificationError("the call is not signed");
  const age = Math.abs(Date.now() / 1000 - Number(timestamp));
  if (!(age <= LATEST_SECONDS)) throw new WebhookVerificationError("the call is too old");
  const signed = encoder.encode(`${id}.${timestamp}.${body}`);
  const key = await crypto.subtle.importKey("raw", keyOf(secret), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  for (const signature of signatures.split(" ")) {
    const bytes = fromBase64(signature.replace(/^v1,/, ""));
    if (bytes && (await crypto.subtle.verify("HMAC", key, bytes, signed))) return JSON.parse(body) as WebhookEvent;
  }
  throw new WebhookVerificationError("the signature is another one");
}

function header(headers: Headers | Record<string, string | string[] | undefined>, name: string): string | null {
  const value = headers instanceof Headers ? headers.get(name) : headers[name];
  return typeof value === "string" ? value : null;
}

/** A secret `whsec_...` is a key in base64; any other secret is the key as it is written. */
const keyOf = (secret: string): Uint8Array<ArrayBuffer> =>
  (secret.startsWith("whsec_") ? fromBase64(secret.slice(6)) : null) ?? new Uint8Array(encoder.encode(secret));

function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}
