import { and, asc, eq, isNull, lt, or } from "drizzle-orm";
import type { Db } from "../db/client.ts";
import { apiKeys } from "../db/schema.ts";
import { randomHex, sha256 } from "../lib/hash.ts";
import type { AdminCtx, Ctx } from "./context.ts";
import { notFound } from "./errors.ts";
import { createOnce } from "./idempotency.ts";
import { afterCursor, pageByCreation, type Page, type PageRequest } from "./pages.ts";
import { getProject } from "./projects.ts";

export type ApiKey = typeof apiKeys.$inferSelect;

const USE_RECORDED_EVERY_MS = 60_000;

/** `key` is the secret itself: it is in this answer and nowhere else. */
export async function createApiKey(
  ctx: Ctx | AdminCtx,
  projectId: string,
  input: { name: string },
): Promise<ApiKey & { key: string }> {
  const project = await getProject(ctx, projectId);
  const key = await newSecret();
  const row: ApiKey = {
    id: ctx.newId(),
    projectId: project.id,
    name: input.name,
    hash: await sha256(key),
    lastUsedAt: null,
    createdAt: ctx.now(),
  };
  return createOnce(ctx, { ...row, key }, ctx.db.insert(apiKeys).values(row));
}

export async function listApiKeys(ctx: Ctx | AdminCtx, projectId: string, page: PageRequest): Promise<Page<ApiKey>> {
  const project = await getProject(ctx, projectId);
  const rows = await ctx.db
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.projectId, project.id), afterCursor(page.cursor, apiKeys)))
    .orderBy(asc(apiKeys.createdAt), asc(apiKeys.id))
    .limit(page.limit + 1);
  return pageByCreation(rows, page.limit);
}

export async function deleteApiKey(ctx: Ctx | AdminCtx, projectId: string, keyId: string): Promise<void> {
  const project = await getProject(ctx, projectId);
  const deleted = await ctx.db
    .delete(apiKeys)
    .where(and(eq(apiKeys.projectId, project.id), eq(apiKeys.id, keyId)))
    .returning();
  if (deleted.length === 0) throw notFound("API key", keyId);
}

/** Writes at most once a minute, however often the key is used. */
export async function recordKeyUse(db: Db, key: { keyId: string; lastUsedAt: Date | null }, now: Date): Promise<void> {
  const due = new Date(now.getTime() - USE_RECORDED_EVERY_MS);
  if (key.lastUsedAt && key.lastUsedAt > due) return;
  const stale = or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, due));
  await db
    .update(apiKeys)
    .set({ lastUsedAt: now })
    .where(and(eq(apiKeys.id, key.keyId), stale));
}

const CHECKSUM_LENGTH = 8;

/** `sk-`, 256 random bits, and a checksum by which a mistyped or scanned key is told apart without a look at the database. */
async function newSecret(): Promise<string> {
  const random = randomHex(32);
  return `sk-${random}${(await sha256(random)).slice(0, CHECKSUM_LENGTH)}`;
}
