import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { hex } from "../../src/lib/hash.ts";
import { signWebhook } from "../../src/lib/webhook-signature.ts";

const text = JSON.stringify({ id: "1", type: "thread.created", data: { name: "Ünïcode 🙂" } });
const delivery = () => ({ id: "evt-1", body: text, at: new Date() });
const base64 = (value: string) => btoa(String.fromCharCode(...bytes(value)));

const bytes = (value: string) => new TextEncoder().encode(value);

async function workenSignature(body: string, secret: string): Promise<string> {
  const key = await crypto.subtle.importKey("raw", bytes(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return hex(await crypto.subtle.sign("HMAC", key, bytes(body)));
}

describe("the signatures of a webhook", () => {
  it.each(["s", "correct horse", "пароль", "whsec_not base64!"])(
    "are verified by both kinds of receivers with the secret %j as the key",
    async (secret) => {
      const headers = await signWebhook([secret], delivery());
      expect(headers["x-worken-signature"]).toBe(await workenSignature(text, secret));
      expect(new Webhook(base64(secret)).verify(text, headers)).toEqual(JSON.parse(text));
    },
  );

  it("are verified with a secret of Standard Webhooks by its own library", async () => {
    const secret = `whsec_${btoa("a key of twenty-four bytes")}`;
    const headers = await signWebhook([secret], delivery());
    expect(new Webhook(secret).verify(text, headers)).toEqual(JSON.parse(text));
    expect(headers["x-worken-signature"]).toBe(await workenSignature(text, secret));
  });

  it.each([
    ["body", `${text} `, "evt-1"],
    ["id", text, "evt-2"],
  ])("do not fit another %s", async (_what, body, id) => {
    const headers = { ...(await signWebhook(["s"], delivery())), "webhook-id": id };
    expect(() => new Webhook(btoa("s")).verify(body, headers)).toThrow("No matching signature");
  });
});
