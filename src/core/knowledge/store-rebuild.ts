import { and, asc, eq, isNull, ne, or, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { documents, knowledgeStores } from "../../db/schema.ts";
import type { Ctx } from "../context.ts";
import type { Document } from "./documents.ts";
import { notFound } from "../errors.ts";
import type { StoreRow } from "./knowledge-stores.ts";
import type { JobPort } from "../ports.ts";

/** A rebuild whose worker has not been heard of for so long is taken up again. */
const SILENT_MS = 60_000;

const mine = (ctx: Ctx, id: string) =>
  and(eq(knowledgeStores.id, id), eq(knowledgeStores.projectId, ctx.project.id), isNull(knowledgeStores.deletedAt));

/** Begins to make all vectors of a store anew; searches use the present ones until that is done. */
export async function beginRebuild(ctx: Ctx, id: string, model: string): Promise<void> {
  const nextSpace = sql`max(${knowledgeStores.space}, coalesce(${knowledgeStores.nextSpace}, 0)) + 1`;
  const [store] = await ctx.db
    .update(knowledgeStores)
    .set({ nextModel: model, nextSpace, updatedAt: ctx.now() })
    .where(mine(ctx, id))
    .returning();
  if (!store) throw notFound("vector store", id);
  await ringForRebuild(ctx, id);
}

export const ringForRebuild = (ctx: Ctx, storeId: string): Promise<void> =>
  ctx.jobs.ring({ kind: "rebuild-store", projectId: ctx.project.id, storeId });

type Rebuilding = StoreRow & { nextModel: string; nextSpace: number };
type Readable = Document & { version: string };

/** A store that is being rebuilt; null: it is not. */
export async function findRebuilding(ctx: Ctx, id: string): Promise<Rebuilding | null> {
  const store = await ctx.db.query.knowledgeStores.findFirst({ where: mine(ctx, id) });
  return store && store.nextModel !== null && store.nextSpace !== null ? (store as Rebuilding) : null;
}

/** Some documents whose vectors are not in the new space yet. */
export async function documentsToRebuild(ctx: Ctx, store: Rebuilding, atMost: number): Promise<Readable[]> {
  const rows = await ctx.db
    .select()
    .from(documents)
    .where(
      and(
        eq(documents.storeId, store.id),
        eq(documents.projectId, ctx.project.id),
        sql`${documents.version} is not null`,
        isNull(documents.deletedAt),
        or(isNull(documents.nextSpace), ne(documents.nextSpace, store.nextSpace)),
      ),
    )
    .orderBy(asc(documents.createdAt))
    .limit(atMost);
  return rows as Readable[];
}

/** Notes that a document is in the new space, unless it was read again meanwhile. */
export async function markRebuilt(ctx: Ctx, { id, version }: Readable, store: Rebuilding): Promise<void> {
  const { nextSpace } = store;
  await ctx.db.batch([
    ctx.db
      .update(documents)
      .set({ nextSpace })
      .where(
        and(
          eq(documents.storeId, store.id),
          eq(documents.id, id),
          eq(documents.projectId, ctx.project.id),
          eq(documents.version, version),
        ),
      ),
    ctx.db
      .update(knowledgeStores)
      .set({ updatedAt: ctx.now() })
      .where(and(mine(ctx, store.id), eq(knowledgeStores.nextSpace, nextSpace))),
  ]);
}

/** Lets searches use the new space, if every document is in it. Whoever is reading one for the old space finds that out at its end. */
export async function endRebuild(ctx: Ctx, store: Rebuilding): Promise<boolean> {
  const { nextSpace, nextModel } = store;
  const missing = sql`exists (select 1 from documents where store_id = ${store.id} and version is not null
    and deleted_at is null and next_space is not ${nextSpace})`;
  const [[ended]] = await ctx.db.batch([
    ctx.db
      .update(knowledgeStores)
      .set({ space: nextSpace, embeddingModel: nextModel, nextSpace: null, nextModel: null })
      .where(and(mine(ctx, store.id), eq(knowledgeStores.nextSpace, nextSpace), sql`not ${missing}`))
      .returning(),
    ctx.db
      .update(documents)
      .set({ space: nextSpace, nextSpace: null })
      .where(and(eq(documents.storeId, store.id), eq(documents.nextSpace, nextSpace), hasMoved(store.id, nextSpace))),
  ]);
  return ended !== undefined;
}

const hasMoved = (storeId: string, space: number) =>
  sql`exists (select 1 from knowledge_stores where id = ${storeId} and space = ${space})`;

/** Rings for rebuilds that nobody seems to work at. */
export async function sweepRebuilds(db: Db, jobs: JobPort, now: Date): Promise<void> {
  const silent = await db
    .select({ storeId: knowledgeStores.id, projectId: knowledgeStores.projectId })
    .from(knowledgeStores)
    .where(
      and(
        sql`${knowledgeStores.nextSpace} is not null`,
        isNull(knowledgeStores.deletedAt),
        sql`${knowledgeStores.updatedAt} < ${now.getTime() - SILENT_MS}`,
      ),
    )
    .limit(100);
  await Promise.all(silent.map((store) => jobs.ring({ kind: "rebuild-store", ...store })));
}
