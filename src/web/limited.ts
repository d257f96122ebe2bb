import { createMiddleware } from "hono/factory";
import { DomainError } from "../core/errors.ts";
import type { App } from "../http/tenant.ts";

/** Pages that need no key are what a stranger could ask for without end. */
export const limited = createMiddleware<App>(async (c, next) => {
  const { success } = await c.env.PUBLIC_RATE_LIMIT.limit({ key: c.req.header("cf-connecting-ip") ?? "local" });
  if (!success) throw new DomainError("limit_exceeded", "too many requests", { retryAfterSeconds: 60 });
  await next();
});
