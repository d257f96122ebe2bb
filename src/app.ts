import { Hono } from "hono";
import { cors } from "hono/cors";
import { worken } from "./dialects/worken/index.ts";
import { errorResponse } from "./dialects/worken/errors.ts";
import { readAway } from "./http/body.ts";
import { inbound } from "./inbound/index.ts";
import { requestLog } from "./http/request-log.ts";
import type { App } from "./http/tenant.ts";
import { pay } from "./web/pay.ts";
import { reference } from "./web/reference.ts";

/** Every HTTP API that this server speaks. One that owns a prefix comes before one that owns what is left. */
export const dialects = { worken };

/** Any origin may call with a key, and with any header: a key is no cookie, a browser does not send it by itself. */
const anyOrigin = cors({
  origin: "*",
  exposeHeaders: [
    "idempotent-replayed",
    "link",
    "retry-after",
    "x-message-id",
    "x-request-id",
    "x-schedule-id",
    "x-thread-id",
    "x-vercel-ai-ui-message-stream",
  ],
  maxAge: 86_400,
});

/** Which path belongs to whom. */
export const app = new Hono<App>()
  .onError(errorResponse)
  .use(requestLog, anyOrigin, readAway)
  .get("/healthz", (c) => c.json({ ok: true }))
  .route("/", reference(dialects))
  .route("/", pay)
  .route("/", inbound)
  .route("/", worken.api.hono);
