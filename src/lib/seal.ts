const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
const IV_BYTES = 12;

/** Encrypts what must not lie readable in a database. `place` (table, row, tenant) is authenticated: a value moved elsewhere does not open. */
export interface Sealer {
  seal(text: string, place: string): Promise<string>;
  open(sealed: string, place: string): Promise<string>;
}

type Key = { id: string; key: ReturnType<typeof crypto.subtle.importKey> };

/**
 * AES-256-GCM. `keys` is `id:base64[,id:base64...]`: the first one encrypts, all of them decrypt, so that a key can be
 * rotated. Throws a plain sentence where a key is not 32 bytes of base64.
 */
export function createSealer(keys: string): Sealer {
  const ring = keys.split(",").map(readKey);
  return {
    async seal(text, place) {
      const { id, key } = ring[0]!;
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const sealed = await crypto.subtle.encrypt(algorithm(iv, place), await key, encoder.encode(text));
      return `${id}:${toBase64(iv)}:${toBase64(new Uint8Array(sealed))}`;
    },
    async open(sealed, place) {
      const [id, iv, data] = sealed.split(":");
      const found = ring.find((candidate) => candidate.id === id);
      if (!found) throw new Error(`ENCRYPTION_KEY has no key named ${id}`);
      const text = await crypto.subtle.decrypt(algorithm(fromBase64(iv!), place), await found.key, fromBase64(data!));
      return decoder.decode(text);
    },
  };
}

const algorithm = (iv: Uint8Array<ArrayBuffer>, place: string) => ({
  name: "AES-GCM",
  iv,
  additionalData: encoder.encode(place),
});

const KEY = /^([\w-]+):([A-Za-z0-9+/]{43}=)$/;

/** Whether a sealer can be made of it. */
export const areSealerKeys = (keys: string): boolean => keys.split(",").every((entry) => KEY.test(entry.trim()));

function readKey(entry: string): Key {
  const match = KEY.exec(entry.trim());
  if (!match) throw new Error("ENCRYPTION_KEY must be `name:key`, the key being 32 bytes in base64");
  const key = crypto.subtle.importKey("raw", fromBase64(match[2]!), "AES-GCM", false, ["encrypt", "decrypt"]);
  return { id: match[1]!, key };
}

const toBase64 = (bytes: Uint8Array) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const fromBase64 = (text: string) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
