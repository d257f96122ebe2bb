import { and, eq, lt } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import { idempotentAnswers } from "../db/schema.ts";
import type { AdminCtx, Ctx, Once } from "./context.ts";
import { DomainError } from "./errors.ts";

const KEPT_MS = 24 * 60 * 60 * 1000;
type AnyCtx = Ctx | AdminCtx;
type Statement = BatchItem<"sqlite">;
type Kept = { answer: unknown };

/** The keys of the administrator's own calls lie beside those of the projects. */
const scopeOf = (ctx: AnyCtx) => ctx.project?.id ?? "root";
const placeOf = (ctx: AnyCtx, key: string) => `idempotent_answers/${scopeOf(ctx)}/${key}`;

/** Says how the entity that a verb creates will look in the answer, so that the answer is stored together with it. */
export const answering = <C extends AnyCtx>(ctx: C, show: (entity: never) => unknown): C =>
  ctx.once ? { ...ctx, once: { ...ctx.once, show: show as (entity: unknown) => unknown } } : ctx;

/**
 * Inserts an entity and, for a call with an Idempotency-Key, its answer: both or neither. Of two twins the second fails
 * on the key of the first and finds its answer with `findAnswer`.
 */
export async function createOnce<T>(ctx: AnyCtx, entity: T, insert: Statement, ...more: Statement[]): Promise<T> {
  const { once } = ctx;
  if (!once) await ctx.db.batch([insert, ...more]);
  else
    await ctx.db.batch([insert, ...more, insertAnswer(ctx, once, await sealAnswer(ctx, once.key, once.show(entity)))]);
  return entity;
}

/**
 * Keeps the answer of a call that may simply be done again if this is lost: an update, a deletion. Where a faster twin was
 * answered otherwise, its answer comes back, for it is the one that counts.
 */
export async function recordAnswer(ctx: AnyCtx & { once: Once }, answer: unknown): Promise<Kept | null> {
  const sealed = await sealAnswer(ctx, ctx.once.key, answer);
  const [recorded] = await insertAnswer(ctx, ctx.once, sealed).onConflictDoNothing().returning();
  const kept = recorded ? null : await findAnswer(ctx);
  return JSON.stringify(kept?.answer) === JSON.stringify(answer ?? null) ? null : kept;
}

const sealAnswer = (ctx: AnyCtx, key: string, answer: unknown) =>
  ctx.sealer.seal(JSON.stringify(answer ?? null), placeOf(ctx, key));

const insertAnswer = (ctx: AnyCtx, { key, requestHash }: Once, answer: string) =>
  ctx.db.insert(idempotentAnswers).values({ projectId: scopeOf(ctx), key, requestHash, answer, createdAt: ctx.now() });

/** The answer that this Idempotency-Key got before, or null. The same key with another request is refused. */
export async function findAnswer(ctx: AnyCtx): Promise<Kept | null> {
  if (!ctx.once) return null;
  const { key, requestHash } = ctx.once;
  await forgetOldAnswers(ctx);
  const found = await ctx.db.query.idempotentAnswers.findFirst({
    where: and(eq(idempotentAnswers.projectId, scopeOf(ctx)), eq(idempotentAnswers.key, key)),
  });
  if (!found) return null;
  requireSameRequest(found.requestHash, requestHash);
  return { answer: JSON.parse(await ctx.sealer.open(found.answer, placeOf(ctx, key))) as unknown };
}

export function requireSameRequest(first: string, now: string): void {
  if (first !== now) throw new DomainError("invalid", "this Idempotency-Key was used with another request");
}

export const forgetOldAnswers = (ctx: Pick<Ctx, "db" | "now">) =>
  ctx.db.delete(idempotentAnswers).where(lt(idempotentAnswers.createdAt, new Date(ctx.now().getTime() - KEPT_MS)));
