import { and, eq, gte, lt } from "drizzle-orm";
import { knowledgeChunks } from "../../db/schema.ts";
import { sha256 } from "../../lib/hash.ts";
import { allStemsOf } from "../../lib/words.ts";
import { markStems, storeScope, wordsToFind } from "./chunk-words.ts";
import type { Ctx } from "../context.ts";
import type { ClaimedDocument } from "./document-queue.ts";

/** A piece of a document as it was cut, with the headings that it stands under and its place in the source. */
export type NewChunk = { text: string; headings: string[]; place: string | null };
export type StoredChunk = typeof knowledgeChunks.$inferSelect;

/**
 * So many rows travel in one statement as one JSON parameter, which must stay well under 2 MB; and the database serves nobody
 * else while it writes them.
 */
const ROWS_PER_STATEMENT = 50;
const CHARACTERS_PER_STATEMENT = 500_000;

const ofDocument = (ctx: Ctx, storeId: string, documentId: string) =>
  and(
    eq(knowledgeChunks.projectId, ctx.project.id),
    eq(knowledgeChunks.storeId, storeId),
    eq(knowledgeChunks.documentId, documentId),
  );

/** Writes the chunks of a document under its claim: no search sees them before the document is finished. */
export async function writeChunks(ctx: Ctx, document: ClaimedDocument, chunks: NewChunk[]): Promise<void> {
  let position = 0;
  for (const group of groupsOf(chunks)) {
    const rows = await Promise.all(
      group.map(async (chunk) => ({
        ...chunk,
        position: position++,
        textHash: await textHashOf(document.filename, chunk),
      })),
    );
    await ctx.db.$client.batch([insertChunks(ctx, document, rows), insertTerms(ctx, document, rows)]);
  }
}

function* groupsOf(chunks: NewChunk[]): Generator<NewChunk[]> {
  let [group, characters] = [[] as NewChunk[], 0];
  for (const chunk of chunks) {
    const isFull = group.length >= ROWS_PER_STATEMENT || characters + chunk.text.length > CHARACTERS_PER_STATEMENT;
    if (isFull && group.length > 0) {
      yield group;
      [group, characters] = [[], 0];
    }
    group.push(chunk);
    characters += chunk.text.length;
  }
  if (group.length > 0) yield group;
}

type Row = NewChunk & { position: number; textHash: string };

/** Half of a SHA-256 tells texts apart as surely. */
const textHashOf = async (filename: string, chunk: NewChunk) =>
  (await sha256(wordsToFind(filename, chunk))).slice(0, 32);

const insertChunks = (ctx: Ctx, { storeId, id, claim }: ClaimedDocument, rows: Row[]) =>
  ctx.db.$client
    .prepare(
      `insert into knowledge_chunks
         (project_id, store_id, document_id, version, position, text, headings, place, text_hash)
       select ?, ?, ?, ?, value ->> 'position', value ->> 'text', value -> 'headings', value ->> 'place',
         value ->> 'textHash' from json_each(?)`,
    )
    .bind(ctx.project.id, storeId, id, claim, JSON.stringify(rows));

/** The join is crossed, for SQLite keeps its order: by its own choice it would read all rows for every chunk of the document. */
const insertTerms = (ctx: Ctx, { storeId, id, claim, filename }: ClaimedDocument, rows: Row[]) => {
  const terms = rows.map((row) => ({
    position: row.position,
    terms: markStems(ctx.project.id, allStemsOf(wordsToFind(filename, row))).join(" "),
  }));
  return ctx.db.$client
    .prepare(
      `insert into knowledge_search (rowid, scope, terms)
       select c.id, ?, row.value ->> 'terms' from json_each(?) row cross join knowledge_chunks c
       on c.store_id = ? and c.document_id = ? and c.version = ? and c.position = row.value ->> 'position'`,
    )
    .bind(storeScope(storeId), JSON.stringify(terms), storeId, id, claim);
};

/** Some chunks of one version of a document, in their order; the positions have no gaps. */
export const listChunks = async (
  ctx: Ctx,
  { storeId, id, version }: { storeId: string; id: string; version: string },
  { from, limit }: { from: number; limit: number },
): Promise<StoredChunk[]> =>
  ctx.db.query.knowledgeChunks.findMany({
    where: and(
      ofDocument(ctx, storeId, id),
      eq(knowledgeChunks.version, version),
      gte(knowledgeChunks.position, from),
      lt(knowledgeChunks.position, from + limit),
    ),
    orderBy: knowledgeChunks.position,
  });

/**
 * Some chunks that nobody needs: neither those of the document's version nor those that are being written for it now. Once
 * they are that, they stay it.
 */
export async function staleChunkIds(
  ctx: Ctx,
  { storeId, id }: { storeId: string; id: string },
  atMost: number,
): Promise<number[]> {
  const { results } = await ctx.db.$client
    .prepare(
      `select c.id from knowledge_chunks c left join documents d
       on d.store_id = c.store_id and d.id = c.document_id and d.deleted_at is null and c.version in (d.version, d.claim)
       where c.store_id = ? and c.document_id = ? and c.project_id = ? and d.id is null limit ?`,
    )
    .bind(storeId, id, ctx.project.id, atMost)
    .all<{ id: number }>();
  return results.map((row) => row.id);
}

/** The ids of a store's chunks after one of them, in their order. */
export async function storeChunkIds(ctx: Ctx, storeId: string, after: number, atMost: number): Promise<number[]> {
  const { results } = await ctx.db.$client
    .prepare("select id from knowledge_chunks where store_id = ? and project_id = ? and id > ? order by id limit ?")
    .bind(storeId, ctx.project.id, after, atMost)
    .all<{ id: number }>();
  return results.map(({ id }) => id);
}

/** Removes chunks and what they are found by. */
export async function deleteChunks(ctx: Ctx, ids: number[]): Promise<void> {
  const [d1, list] = [ctx.db.$client, JSON.stringify(ids)];
  await d1.batch([
    d1.prepare("delete from knowledge_search where rowid in (select value from json_each(?))").bind(list),
    d1
      .prepare("delete from knowledge_chunks where project_id = ? and id in (select value from json_each(?))")
      .bind(ctx.project.id, list),
  ]);
}

/** A chunk of the project that says what another says, and the space in which its vector of some model may lie. */
export type TwinChunk = { textHash: string; id: number; storeId: string; space: number };

/** Of each text so many of its chunks are looked at: those of an interrupted worker may have no vectors. */
const TWINS_OF_EACH = 3;

/**
 * Chunks with these texts in stores that use a model, beside those of one version of a document. The joins are crossed, for
 * SQLite keeps their order: by its own choice it would compare every chunk of the project with every text.
 */
export async function findTwins(
  ctx: Ctx,
  model: string,
  textHashes: string[],
  exceptVersion: string,
): Promise<TwinChunk[]> {
  const { results } = await ctx.db.$client
    .prepare(
      `select c.text_hash as textHash, c.id, c.store_id as storeId,
         case when s.embedding_model = ?1 then s.space else s.next_space end as space
       from json_each(?2) wanted
       cross join knowledge_chunks c on c.id in (
         select twin.id from knowledge_chunks twin
         where twin.project_id = ?3 and twin.text_hash = wanted.value and twin.version <> ?4
         order by twin.id desc limit ${TWINS_OF_EACH})
       cross join knowledge_stores s on s.id = c.store_id and s.project_id = ?3 and s.deleted_at is null
       where s.embedding_model = ?1 or s.next_model = ?1`,
    )
    .bind(model, JSON.stringify(textHashes), ctx.project.id, exceptVersion)
    .all<TwinChunk>();
  return results;
}
