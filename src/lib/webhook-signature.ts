import { hex } from "./hash.ts";

const encoder = new TextEncoder();
const STANDARD_SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?)$/;

type Delivery = { id: string; body: Uint8Array; at: Date };

/**
 * Both signatures of a delivery, over the exact bytes of its body: Worken's own, and that of Standard Webhooks, which is
 * bound to the id and the time of the attempt too. For the latter a secret `whsec_...` is a key in base64, as its libraries
 * have it; any other secret is the key as it is written.
 */
export async function signWebhook(secret: string, { id, body, at }: Delivery): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signed = joined(encoder.encode(`${id}.${timestamp}.`), body);
  const [own, standard] = await Promise.all([hmac(encoder.encode(secret), body), hmac(standardKey(secret), signed)]);
  return {
    "x-worken-signature": hex(own),
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${btoa(String.fromCharCode(...new Uint8Array(standard)))}`,
  };
}

function standardKey(secret: string): Uint8Array {
  const base64 = STANDARD_SECRET.exec(secret)?.[1];
  if (!base64) return encoder.encode(secret);
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

async function hmac(key: Uint8Array, data: Uint8Array): Promise<ArrayBuffer> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return crypto.subtle.sign("HMAC", imported, data);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
