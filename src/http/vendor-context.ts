import type { Context } from "hono";
import type { Ctx } from "../core/context.ts";
import { notFound } from "../core/errors.ts";
import { projectOfIntegration } from "../core/integrations.ts";
import { openDb } from "../db/client.ts";
import { openContext } from "../runtime/context.ts";
import type { App } from "./tenant.ts";

/** The context of a call that a vendor makes: it has no key, the integration in its path says whose it is. */
export async function vendorContext(c: Context<App>, integrationId: string): Promise<Ctx> {
  const projectId = await projectOfIntegration(openDb(c.env.DB), integrationId);
  if (projectId === null) throw notFound("integration", integrationId);
  const defer = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
  const ctx = openContext(c.env, { id: projectId }, { actor: { type: "system", job: "webhook" }, defer });
  c.set("ctx", ctx);
  return ctx;
}
