import { afterEach, expect, it, vi } from "vitest";
import { verifyWebhook, WebhookVerificationError } from "../../src/client/index.ts";
import { newProject } from "../helpers/project.ts";
import { Receiver, register } from "../helpers/receiver.ts";

afterEach(() => void vi.useRealTimers());

/** What a receiver is sent whose endpoint has the secret. */
async function sentWith(secret: string) {
  const [project, receiver] = [await newProject(), new Receiver()];
  const endpointId = await register(project, receiver, secret);
  await project.post(`/webhook-endpoints/${endpointId}/test`);
  return receiver.deliveries[0]!;
}

const BASE64 = `whsec_${btoa("a key of twenty-four byte")}`;

it.each(["plain", BASE64, "whsec_..."])("reads an event that is signed with the secret %s", async (secret) => {
  const { body, headers, event } = await sentWith(secret);
  expect(await verifyWebhook(body, headers, secret)).toEqual(event);
  expect(await verifyWebhook(body, Object.fromEntries(headers), secret)).toEqual(event);
});

it("refuses what another secret has signed, what was changed, what is not signed, and what is old", async () => {
  const { body, headers } = await sentWith("plain");
  const attempts: Parameters<typeof verifyWebhook>[] = [
    [body, headers, "another"],
    [body.replace("webhook.test", "thread.created"), headers, "plain"],
    [body, {}, "plain"],
    [body, { ...Object.fromEntries(headers), "webhook-signature": "v1,!" }, "plain"],
  ];
  for (const attempt of attempts) await expect(verifyWebhook(...attempt)).rejects.toThrow(WebhookVerificationError);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 301_000 });
  await expect(verifyWebhook(body, headers, "plain")).rejects.toThrow("too old");
});
