import type { Context } from "hono";
import type { Ctx } from "../core/context.ts";
import { DomainError, notFound } from "../core/errors.ts";
import { takeOAuthState, type OAuthState } from "../core/channels/oauth.ts";
import { projectOfIntegration } from "../core/channels/integrations.ts";
import { openDb } from "../db/client.ts";
import { openContext } from "../runtime/context.ts";
import type { App } from "./tenant.ts";

/** The context of a call that a vendor makes: it has no key, the integration in its path says whose it is. */
export async function vendorContext(c: Context<App>, integrationId: string): Promise<Ctx> {
  const projectId = await projectOfIntegration(openDb(c.env.DB), integrationId);
  if (projectId === null) throw notFound("integration", integrationId);
  return contextOf(c, projectId);
}

/** The same for a person whom a vendor sends back: what they began says whose it is. */
export async function oauthContext(c: Context<App>, state: string): Promise<{ ctx: Ctx; begun: OAuthState }> {
  const begun = await takeOAuthState(openDb(c.env.DB), state, new Date());
  if (!begun) throw new DomainError("forbidden", "this was not begun here, or too long ago, or is finished already");
  return { ctx: contextOf(c, begun.projectId), begun };
}

function contextOf(c: Context<App>, projectId: string): Ctx {
  const defer = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
  const ctx = openContext(c.env, { id: projectId }, { actor: { type: "system", job: "webhook" }, defer });
  c.set("ctx", ctx);
  return ctx;
}
