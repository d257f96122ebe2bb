const encoder = new TextEncoder();

export const hex = (bytes: ArrayBuffer | Uint8Array) =>
  [...new Uint8Array(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");

/** SHA-256 of a text, in lowercase hex. */
export const sha256 = async (text: string): Promise<string> =>
  hex(await crypto.subtle.digest("SHA-256", encoder.encode(text)));

export const sha256Bytes = async (text: string) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));

/** Base64 as it may stand in an address. */
export const base64Url = (bytes: Uint8Array) =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

/** Compares without telling an attacker, by timing, how much of the secret was right. */
export async function sameSecret(given: string, expected: string): Promise<boolean> {
  const [a, b] = await Promise.all(
    [given, expected].map((text) => crypto.subtle.digest("SHA-256", encoder.encode(text))),
  );
  return crypto.subtle.timingSafeEqual(a!, b!);
}

export const randomHex = (bytes: number) => hex(crypto.getRandomValues(new Uint8Array(bytes)));

/** The same id for the same text, in the form of a UUID (version 8). */
export async function uuidFrom(text: string): Promise<string> {
  const digits = (await sha256(text)).slice(0, 32).split("");
  digits[12] = "8";
  digits[16] = "89ab"[Number.parseInt(digits[16]!, 16) % 4]!;
  return digits.join("").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** A keyed signature, in lowercase hex. */
export async function hmac(hash: "SHA-1" | "SHA-256", secret: string, text: string): Promise<string> {
  const algorithm = { name: "HMAC", hash };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign"]);
  return hex(await crypto.subtle.sign("HMAC", key, encoder.encode(text)));
}

/** For vendors that ask for it; protects nothing. */
export const md5 = async (text: string) => hex(await crypto.subtle.digest("MD5", encoder.encode(text)));
