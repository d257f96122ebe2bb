import { hex } from "./hash.ts";

const encoder = new TextEncoder();
const STANDARD_SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?)$/;

type Delivery = { id: string; body: string; at: Date };

/**
 * Both signatures of a delivery, over the exact bytes of its body: Worken's own, and that of Standard Webhooks, which is
 * bound to the id and the time of the attempt too. For the latter a secret `whsec_...` is a key in base64, as its libraries
 * have it; any other secret is the key as it is written. The first secret is
 * the current one; those after it are still accepted where a receiver does not know it yet.
 */
export async function signWebhook(secrets: string[], { id, body, at }: Delivery): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signed = `${id}.${timestamp}.${body}`;
  const [own, ...standard] = await Promise.all([
    hmac(encoder.encode(secrets[0]), body),
    ...secrets.map((secret) => hmac(standardKey(secret), signed)),
  ]);
  return {
    "x-worken-signature": hex(own),
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": standard.map((signature) => `v1,${toBase64(signature)}`).join(" "),
  };
}

const toBase64 = (bytes: ArrayBuffer) => btoa(String.fromCharCode(...new Uint8Array(bytes)));

function standardKey(secret: string): Uint8Array {
  const base64 = STANDARD_SECRET.exec(secret)?.[1];
  if (!base64) return encoder.encode(secret);
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

async function hmac(key: Uint8Array, text: string): Promise<ArrayBuffer> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return crypto.subtle.sign("HMAC", imported, encoder.encode(text));
}
