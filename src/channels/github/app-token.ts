import { ChannelFailure } from "../../core/channels/channels.ts";
import { FreshCache } from "../../lib/fresh-cache.ts";
import { base64Url } from "../../lib/hash.ts";
import { credential, type Account } from "../channel.ts";

/** GitHub takes a token of an app for ten minutes at most; clocks differ. */
const VALID_SECONDS = 540;
const CLOCK_SECONDS = 60;

export const isApp = (account: Account) => credential(account, "app_id") !== "";

/** What an app shows of itself: a JSON Web Token, signed with its private key. */
export async function appToken(account: Account): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iat: now - CLOCK_SECONDS, exp: now + VALID_SECONDS, iss: credential(account, "app_id") };
  const signed = [{ alg: "RS256", typ: "JWT" }, claims].map((part) => encoded(JSON.stringify(part))).join(".");
  const key = await privateKey(credential(account, "private_key"));
  const signature = await crypto.subtle.sign(ALGORITHM.name, key, new TextEncoder().encode(signed));
  return `${signed}.${base64Url(new Uint8Array(signature))}`;
}

const ALGORITHM = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const encoded = (text: string) => base64Url(new TextEncoder().encode(text));

/** GitHub hands out keys in PKCS#1, of which Web Crypto knows nothing: they are put into the envelope of PKCS#8. */
async function privateKey(pem: string): Promise<CryptoKey> {
  try {
    const text = pem.replaceAll("\\n", "\n");
    const bytes = Uint8Array.from(atob(text.replace(/-----[^-]+-----|\s/g, "")), (character) =>
      character.charCodeAt(0),
    );
    const pkcs8 = text.includes("BEGIN RSA PRIVATE KEY") ? enveloped(bytes) : bytes;
    return await crypto.subtle.importKey("pkcs8", pkcs8, ALGORITHM, false, ["sign"]);
  } catch {
    throw new ChannelFailure("auth_lost", "GitHub: the private key cannot be read");
  }
}

const INTEGER_ZERO = [0x02, 0x01, 0x00];
const RSA_ENCRYPTION = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

const enveloped = (pkcs1: Uint8Array) =>
  new Uint8Array(der(0x30, [...INTEGER_ZERO, ...RSA_ENCRYPTION, ...der(0x04, [...pkcs1])]));

function der(tag: number, content: number[]): number[] {
  const { length } = content;
  if (length < 0x80) return [tag, length, ...content];
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return [tag, 0x80 | bytes.length, ...bytes, ...content];
}

/** A token of an installation lives for an hour. */
const tokens = new FreshCache<string>({ freshMs: 50 * 60 * 1000, staleMs: 50 * 60 * 1000, mostEntries: 1000 });

/** The token with which an app acts in one of its installations. `ask`: how GitHub is asked for it. */
export async function installationToken(account: Account, ask: () => Promise<string>): Promise<string> {
  const names = ["app_id", "installation_id", "private_key"].map((name) => credential(account, name));
  return (await tokens.get([account.baseUrl, ...names].join(" "), Date.now(), ask))!;
}

export const forgetToken = (token: string) => tokens.delete((known) => known === token);
