import { Hono, type Context } from "hono";
import { acceptWebhook } from "../core/channels/inbound.ts";
import { acceptPaymentNews } from "../core/billing/invoices.ts";
import { finishOAuth } from "../core/channels/oauth.ts";
import { readText } from "../http/body.ts";
import { publicContext, type App } from "../http/tenant.ts";
import { oauthContext, vendorContext } from "../http/vendor-context.ts";

/** Where vendors call. Who calls is found out by the channel, or by a signature: none of them has a key of ours. */
export const inbound = new Hono<App>()
  .on(["GET", "POST"], "/integrations/:id/webhook", async (c) => webhook(c))
  .get("/integrations/oauth/callback", async (c) => callback(c))
  .post("/payments/webhook", async (c) => {
    await acceptPaymentNews(publicContext(c), { headers: c.req.raw.headers, body: await readText(c.req.raw) });
    return c.json({ received: true });
  });

/** Where a vendor sends a person back to who has allowed us access, or has not. */
async function callback(c: Context<App>): Promise<Response> {
  const query = new URL(c.req.url).searchParams;
  const { ctx, begun } = await oauthContext(c, query.get("state") ?? "");
  await finishOAuth(ctx, begun, query);
  return c.text("The access is kept. You may close this window.");
}

async function webhook(c: Context<App, "/integrations/:id/webhook">): Promise<Response> {
  const id = c.req.param("id");
  const ctx = await vendorContext(c, id);
  const { method, headers } = c.req.raw;
  const query = new URL(c.req.url).searchParams;
  const { status, body, contentType } = await acceptWebhook(ctx, id, {
    method,
    headers,
    query,
    body: method === "POST" ? await readText(c.req.raw) : "",
  });
  return new Response(body, { status, headers: { "content-type": contentType } });
}
