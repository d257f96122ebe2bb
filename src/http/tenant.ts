import type { Context } from "hono";
import { readAccess, type Access as KeyAccess } from "../core/access.ts";
import { recordKeyUse } from "../core/api-keys.ts";
import type { AdminCtx, Ctx } from "../core/context.ts";
import { DomainError } from "../core/errors.ts";
import { projectOfTicket } from "../core/events.ts";
import { openDb } from "../db/client.ts";
import { FreshCache } from "../lib/fresh-cache.ts";
import { sameSecret, sha256 } from "../lib/hash.ts";
import { readConfig } from "../runtime/config.ts";
import { openAdminContext, openContext } from "../runtime/context.ts";
import type { Env } from "../runtime/env.ts";

/** Who may call: a project's key; the administrator; either of them; for live events, a key or a ticket. */
export type Access = "project" | "root" | "either" | "listener";

export type App = { Bindings: Env; Variables: { ctx: Ctx | AdminCtx; requestId: string } };

/** A deleted key is refused at once where it was deleted, and within two seconds everywhere. */
const known = new FreshCache<KeyAccess>({ freshMs: 2000, staleMs: 60_000, mostEntries: 5000 });

/** To be called after every change of what access is made of. */
export const forgetAccess = () => known.expire();

/** To be called when a key is deleted: it must not even serve while D1 is down. */
export const forgetKeysOf = (projectId: string) => known.delete(({ project }) => project.id === projectId);

/** Turns a caller's key, or a listener's ticket, into the `ctx` of his project. */
export async function authenticate(c: Context<App>, access: Access, chatId: string | null): Promise<Ctx | AdminCtx> {
  const ticket = access === "listener" ? c.req.query("ticket") : undefined;
  if (ticket !== undefined) return ticketContext(c, ticket);
  const token = bearerToken(c) ?? (access === "listener" ? c.req.query("api_key") : undefined);
  if (!token) throw new DomainError("unauthenticated", "the request needs `Authorization: Bearer <key>`");
  const isRoot = await sameSecret(token, readConfig(c.env).ROOT_KEY);
  if (isRoot) return rootContext(c, access);
  if (access === "root") await refuseKey(c, token);
  return keyContext(c, token, chatId !== null && chatId.length <= LONGEST_ID ? chatId : null);
}

/** No longer one names a chat, and what is remembered of a request is bounded. */
const LONGEST_ID = 128;

const bearerToken = (c: Context<App>) => /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];

function rootContext(c: Context<App>, access: Access): AdminCtx {
  if (access !== "root" && access !== "either") {
    throw new DomainError("forbidden", "this needs the key of a project, not ROOT_KEY");
  }
  return openAdminContext(c.env, { actor: { type: "root" }, defer: deferOf(c) });
}

/** For what anyone may see who knows its id, and for those whom a signature tells apart. */
export const publicContext = (c: Context<App>): AdminCtx =>
  openAdminContext(c.env, { actor: { type: "system", job: "public" }, defer: deferOf(c) });

async function refuseKey(c: Context<App>, token: string): Promise<never> {
  await readKey(c, token, null);
  throw new DomainError("forbidden", "only ROOT_KEY may do this");
}

async function keyContext(c: Context<App>, token: string, chatId: string | null): Promise<Ctx> {
  const { keyId, lastUsedAt, project, chat } = await readKey(c, token, chatId);
  const ctx = openContext(c.env, project, { actor: { type: "key", keyId }, chat, defer: deferOf(c) });
  recordUse(ctx, { keyId, lastUsedAt });
  if (project.requestsPerMinute !== null) await admit(ctx, project.requestsPerMinute);
  return ctx;
}

/** What is not of the form of a key is refused without a look at the database. */
async function readKey(c: Context<App>, token: string, chatId: string | null): Promise<KeyAccess> {
  const { DEFAULT_MODEL } = readConfig(c.env);
  const found = token.startsWith("sk-") ? await lookUp(c.env, await sha256(token), chatId, DEFAULT_MODEL) : null;
  if (!found) throw new DomainError("unauthenticated", "this API key is not valid");
  return found;
}

async function lookUp(env: Env, hash: string, chatId: string | null, defaultModel: string): Promise<KeyAccess | null> {
  try {
    return await known.get(`${hash} ${chatId ?? ""}`, Date.now(), () =>
      readAccess(openDb(env.DB), hash, chatId, defaultModel),
    );
  } catch (error) {
    console.error("access", error);
    throw databaseAway();
  }
}

export const databaseAway = () =>
  new DomainError("unavailable", "the database does not answer", { retryAfterSeconds: 1 });

const deferOf = (c: Context<App>) => (work: Promise<unknown>) => c.executionCtx.waitUntil(work);

const recorded = new Map<string, number>();

/** The row is written at most once a minute; this isolate does not even ask more often. */
function recordUse(ctx: Ctx, key: { keyId: string; lastUsedAt: Date | null }): void {
  const now = ctx.now();
  if (now.getTime() - (recorded.get(key.keyId) ?? 0) < 60_000) return;
  if (recorded.size > 10_000) recorded.clear();
  recorded.set(key.keyId, now.getTime());
  ctx.defer(recordKeyUse(ctx.db, key, now).catch(() => recorded.delete(key.keyId)));
}

async function admit(ctx: Ctx, requestsPerMinute: number): Promise<void> {
  const retryAfterSeconds = await ctx.feed.admit(requestsPerMinute);
  if (retryAfterSeconds === 0) return;
  throw new DomainError("limit_exceeded", `the limit of requests per minute is ${requestsPerMinute}`, {
    retryAfterSeconds,
  });
}

/** A ticket is bound to what it was issued for: the project's events, or one thread's. */
async function ticketContext(c: Context<App>, ticket: string): Promise<Ctx> {
  const project = { id: projectOfTicket(ticket) };
  const ctx = openContext(c.env, project, { actor: { type: "system", job: "listener" }, defer: deferOf(c) });
  const isKnown = /^[0-9a-f-]{36}\.[0-9a-f]{48}$/.test(ticket);
  const threadId = c.req.param("thread_id") ?? null;
  const returning = c.req.header("last-event-id") !== undefined;
  if (isKnown && (await ctx.feed.redeemTicket(ticket, threadId, returning))) return ctx;
  throw new DomainError("unauthenticated", "this ticket is not valid here, or not any more");
}
