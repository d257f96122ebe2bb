import { createMiddleware } from "hono/factory";
import { uuidv7 } from "uuidv7";
import type { App } from "./tenant.ts";

const SANE_ID = /^[\w.:-]{1,128}$/;

/** Names every request, and writes one line about it: what was asked and how it went, never a query, a key or a body. */
export const requestLog = createMiddleware<App>(async (c, next) => {
  const given = c.req.header("x-request-id");
  const requestId = given && SANE_ID.test(given) ? given : uuidv7();
  c.set("requestId", requestId);
  const begun = Date.now();
  await next();
  c.header("x-request-id", requestId);
  const project = c.var.ctx?.project?.id;
  const line = { requestId, project, method: c.req.method, path: c.req.path, status: c.res.status };
  // oxlint-disable-next-line no-console -- the access log goes to standard output
  console.log(JSON.stringify({ ...line, ms: Date.now() - begun }));
});
