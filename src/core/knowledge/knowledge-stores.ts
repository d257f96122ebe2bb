import { and, eq, inArray, isNotNull, isNull, sql, type SQL } from "drizzle-orm";
import { inList } from "../../db/client.ts";
import { documentBatches, documentBatchMembers, documents, knowledgeStores } from "../../db/schema.ts";
import type { Ctx } from "../context.ts";
import { invalid, notFound } from "../errors.ts";
import { createOnce } from "../idempotency.ts";
import { readItems, type ItemPage, type ItemPageRequest } from "../item-pages.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** A use of a store is written down at most this often. */
const ACTIVITY_MS = 60 * 60 * 1000;

export type DocumentCounts = { pending: number; processed: number; error: number; cancelled: number };
export type StoreRow = typeof knowledgeStores.$inferSelect;
export type KnowledgeStore = StoreRow & { counts: DocumentCounts; textBytes: number };

export const expiryOf = ({ lastActiveAt, expiresAfterDays }: StoreRow): Date | null =>
  expiresAfterDays === null ? null : new Date(lastActiveAt.getTime() + expiresAfterDays * DAY_MS);

/** An expired store is kept and shown, but nothing is found in it any more. */
export function isExpired(store: StoreRow, now: Date): boolean {
  const expiry = expiryOf(store);
  return expiry !== null && expiry <= now;
}

const ofProject = (ctx: Ctx) => and(eq(knowledgeStores.projectId, ctx.project.id), isNull(knowledgeStores.deletedAt));
const mine = (ctx: Ctx, id: string) => and(eq(knowledgeStores.id, id), ofProject(ctx));

export type StoreInput = {
  name: string;
  description?: string | null;
  metadata?: Record<string, string>;
  embeddingModel?: string;
  expiresAfterDays?: number | null;
};

export async function createStore(ctx: Ctx, input: StoreInput): Promise<KnowledgeStore> {
  const now = ctx.now();
  const store: StoreRow = {
    id: ctx.newId(),
    projectId: ctx.project.id,
    name: input.name,
    description: input.description ?? null,
    metadata: input.metadata ?? {},
    embeddingModel: input.embeddingModel ?? ctx.defaultEmbeddingModel,
    space: 1,
    nextModel: null,
    nextSpace: null,
    expiresAfterDays: input.expiresAfterDays ?? null,
    lastActiveAt: now,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  };
  return createOnce(ctx, counted(store, []), ctx.db.insert(knowledgeStores).values(store));
}

export async function listStores(ctx: Ctx, page: ItemPageRequest): Promise<ItemPage<KnowledgeStore>> {
  const { items, hasMore } = await readItems(
    page,
    knowledgeStores,
    (id) => ctx.db.query.knowledgeStores.findFirst({ where: mine(ctx, id) }),
    async ({ where, orderBy, limit }) =>
      ctx.db
        .select()
        .from(knowledgeStores)
        .where(and(ofProject(ctx), where))
        .orderBy(...orderBy)
        .limit(limit),
  );
  return { items: await withCounts(ctx, items), hasMore };
}

/** Another project's store is reported exactly like one that does not exist. */
export async function findStore(ctx: Ctx, id: string): Promise<StoreRow> {
  const store = await ctx.db.query.knowledgeStores.findFirst({ where: mine(ctx, id) });
  if (!store) throw notFound("vector store", id);
  return store;
}

export async function getStore(ctx: Ctx, id: string): Promise<KnowledgeStore> {
  const [store] = await withCounts(ctx, [await findStore(ctx, id)]);
  return store!;
}

/** A change counts as a use. Metadata is replaced whole. */
export async function updateStore(
  ctx: Ctx,
  id: string,
  changes: Partial<Pick<StoreRow, "name" | "description" | "metadata" | "expiresAfterDays">>,
): Promise<KnowledgeStore> {
  const now = ctx.now();
  const [changed] = await ctx.db
    .update(knowledgeStores)
    .set({ ...changes, updatedAt: now, lastActiveAt: now })
    .where(mine(ctx, id))
    .returning();
  if (!changed) throw notFound("vector store", id);
  const [store] = await withCounts(ctx, [changed]);
  return store!;
}

/** It is gone at once; its documents, their chunks and vectors are erased in the background. */
export async function deleteStore(ctx: Ctx, id: string): Promise<void> {
  const [deleted] = await ctx.db.update(knowledgeStores).set({ deletedAt: ctx.now() }).where(mine(ctx, id)).returning();
  if (!deleted) throw notFound("vector store", id);
  await ctx.jobs.ring({ kind: "erase-store", projectId: ctx.project.id, storeId: id });
}

/** A deleted store whose traces are still to be removed. */
export const findDeletedStore = (ctx: Ctx, id: string): Promise<StoreRow | undefined> =>
  ctx.db.query.knowledgeStores.findFirst({
    where: and(
      eq(knowledgeStores.id, id),
      eq(knowledgeStores.projectId, ctx.project.id),
      isNotNull(knowledgeStores.deletedAt),
    ),
  });

/** To be called when its documents are gone; the records of its batches go with it. */
export async function forgetStore(ctx: Ctx, id: string): Promise<void> {
  const batches = and(eq(documentBatches.storeId, id), eq(documentBatches.projectId, ctx.project.id));
  const batchIds = ctx.db.select({ id: documentBatches.id }).from(documentBatches).where(batches);
  await ctx.db.batch([
    ctx.db.delete(documentBatchMembers).where(inArray(documentBatchMembers.batchId, batchIds)),
    ctx.db.delete(documentBatches).where(batches),
    ctx.db
      .delete(knowledgeStores)
      .where(and(eq(knowledgeStores.id, id), eq(knowledgeStores.projectId, ctx.project.id))),
  ]);
}

/** Where vectors of new chunks go: to the space that is searched, and to the one that will be. */
export const targetsOf = ({
  embeddingModel,
  space,
  nextModel,
  nextSpace,
}: StoreRow): { model: string; space: number }[] => [
  { model: embeddingModel, space },
  ...(nextModel !== null && nextSpace !== null ? [{ model: nextModel, space: nextSpace }] : []),
];

/** The spaces in which a store may have vectors, also while it is being deleted. */
export async function spacesOf(ctx: Ctx, id: string): Promise<number[]> {
  const store = await ctx.db.query.knowledgeStores.findFirst({
    where: and(eq(knowledgeStores.id, id), eq(knowledgeStores.projectId, ctx.project.id)),
  });
  return store ? targetsOf(store).map(({ space }) => space) : [];
}

/** Stores that a search may look into: those that are asked for, or the latest used of the project. */
export async function searchableStores(ctx: Ctx, ids: string[] | undefined, atMost: number): Promise<StoreRow[]> {
  if (ids?.length === 0) return [];
  const found = await ctx.db
    .select()
    .from(knowledgeStores)
    .where(and(ofProject(ctx), ids ? inList(knowledgeStores.id, ids.slice(0, atMost)) : undefined))
    .orderBy(sql`${knowledgeStores.lastActiveAt} desc`)
    .limit(atMost);
  return found.filter((store) => !isExpired(store, ctx.now()));
}

/** Notes that stores are used, for those that expire when they are not. */
export async function touchStores(ctx: Ctx, stores: StoreRow[]): Promise<void> {
  const now = ctx.now();
  const stale = stores.filter(({ lastActiveAt }) => now.getTime() - lastActiveAt.getTime() >= ACTIVITY_MS);
  if (stale.length === 0) return;
  const ids = stale.map(({ id }) => id);
  await ctx.db
    .update(knowledgeStores)
    .set({ lastActiveAt: now })
    .where(and(ofProject(ctx), inList(knowledgeStores.id, ids)));
}

export function refuseExpired(ctx: Ctx, store: StoreRow): void {
  if (isExpired(store, ctx.now())) throw invalid("vector_store_id", "this vector store has expired");
}

type CountRow = { storeId: string; status: keyof DocumentCounts; count: number; textBytes: number };

async function withCounts(ctx: Ctx, stores: StoreRow[]): Promise<KnowledgeStore[]> {
  if (stores.length === 0) return [];
  const ids = stores.map(({ id }) => id);
  const rows = await countDocuments(ctx, inList(documents.storeId, ids));
  return stores.map((store) =>
    counted(
      store,
      rows.filter(({ storeId }) => storeId === store.id),
    ),
  );
}

const countDocuments = async (ctx: Ctx, where: SQL | undefined): Promise<CountRow[]> =>
  ctx.db
    .select({
      storeId: documents.storeId,
      status: documents.status,
      count: sql<number>`count(*)`,
      textBytes: sql<number>`sum(${documents.textBytes})`,
    })
    .from(documents)
    .where(and(eq(documents.projectId, ctx.project.id), isNull(documents.deletedAt), where))
    .groupBy(documents.storeId, documents.status);

export const storeCounts = async (ctx: Ctx, storeId: string): Promise<DocumentCounts> =>
  countsOf(await countDocuments(ctx, eq(documents.storeId, storeId)));

export function countsOf(rows: Pick<CountRow, "status" | "count">[]): DocumentCounts {
  const counts: DocumentCounts = { pending: 0, processed: 0, error: 0, cancelled: 0 };
  for (const { status, count } of rows) counts[status] += count;
  return counts;
}

const counted = (store: StoreRow, rows: CountRow[]): KnowledgeStore => ({
  ...store,
  counts: countsOf(rows),
  textBytes: rows.reduce((sum, { textBytes }) => sum + textBytes, 0),
});
