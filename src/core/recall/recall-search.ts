import { allStemsOf } from "../../lib/words.ts";
import type { Recall } from "../bot-settings.ts";
import { markStems } from "../knowledge/chunk-words.ts";
import type { Ctx } from "../context.ts";
import { fuse, type FusedHit } from "../knowledge/hybrid.ts";
import { askedStems, rarity, scoreTexts } from "../knowledge/lexical-search.ts";
import { personScope, recallPlace } from "./recall-log.ts";
import { recallSpace } from "./remember-messages.ts";
import { threadToken } from "../search.ts";

export type RecalledMessage = { threadId: string; seq: number; author: string; text: string; createdAt: number };

export type RecallQuery = {
  /** What was asked. */
  text: string;
  threadId: string;
  personId: string | null;
  recall: Recall;
  /** Messages of the thread from this one on are seen anyway; there are so many of them. */
  seenFrom: number;
  seen: number;
};

type Found = RecalledMessage & { id: number };

const CANDIDATES = 64;
const MOST_NEAREST = 300;
/** Less than this has nothing to do with what was asked: of its words, and by its meaning. */
const [LEAST_LEXICAL, LEAST_SIMILARITY] = [0.12, 0.2];
/** More would crowd out the conversation itself. */
const MOST_CHARACTERS = 16_000;

/** Earlier messages that bear on what was asked, with their neighbours, oldest first. */
export async function recallMessages(ctx: Ctx, query: RecallQuery): Promise<RecalledMessage[]> {
  const [said, meant] = await Promise.all([findByWords(ctx, query), findByMeaning(ctx, query)]);
  const hits = fuse(said, meant, CANDIDATES).filter(isTelling).slice(0, query.recall.topK);
  if (hits.length === 0) return [];
  return withNeighbours(
    ctx,
    query,
    hits.map(({ chunk }) => chunk),
  );
}

const isTelling = ({ lexical, similarity }: FusedHit<Found>) =>
  (lexical ?? 0) >= LEAST_LEXICAL || (similarity ?? 0) >= LEAST_SIMILARITY;

/** A person who is not known has this conversation alone. */
const isOfPerson = ({ recall, personId }: RecallQuery) => recall.scope === "resource" && personId !== null;

/** The condition for what may be recalled: of this thread, or this person, and not seen anyway. */
function scopeCondition(ctx: Ctx, query: RecallQuery): { sql: string; bindings: (string | number)[] } {
  const { threadId, personId, seenFrom } = query;
  const [own, of] = isOfPerson(query) ? ["m.person_id = ?", personId!] : ["m.thread_id = ?", threadId];
  return {
    sql: `m.project_id = ? and ${own} and not (m.thread_id = ? and m.seq >= ?)`,
    bindings: [ctx.project.id, of, threadId, seenFrom],
  };
}

const COLUMNS = "m.id, m.thread_id as threadId, m.seq, m.author, m.text, m.created_at as createdAt";

/** BM25 over stems, as documents are searched. */
async function findByWords(ctx: Ctx, query: RecallQuery): Promise<{ chunk: Found; score: number }[]> {
  const stems = askedStems(query.text);
  if (stems.length === 0) return [];
  const [d1, condition] = [ctx.db.$client, scopeCondition(ctx, query)];
  const scope = isOfPerson(query) ? personScope(query.personId!) : threadToken(query.threadId);
  const terms = markStems(ctx.project.id, stems).map((term) => `"${term}"`);
  const counts = terms.map((_, at) => `(select count(*) from recalled_search where recalled_search match ?${at + 1})`);
  const [total, frequencies, found] = await d1.batch<Record<string, unknown>>([
    d1.prepare(`select count(*) as total from recalled_messages m where ${condition.sql}`).bind(...condition.bindings),
    d1
      .prepare(`select json_array(${counts.join(", ")}) as counts`)
      .bind(...terms.map((term) => `scope:${scope} AND terms:${term}`)),
    d1
      .prepare(
        `select ${COLUMNS} from recalled_search s cross join recalled_messages m on m.id = s.rowid
         where s.recalled_search match ? and ${condition.sql} order by bm25(recalled_search, 0, 1) limit ${CANDIDATES}`,
      )
      .bind(`scope:${scope} AND terms:(${terms.join(" OR ")})`, ...condition.bindings),
  ]);
  const among = Number(total!.results[0]!["total"]);
  const weights = (JSON.parse(frequencies!.results[0]!["counts"] as string) as number[]).map((count) =>
    rarity(count, among),
  );
  const chunks = found!.results as Found[];
  const scores = scoreTexts(
    chunks.map(({ text }) => allStemsOf(text)),
    stems,
    weights,
  );
  return chunks.map((chunk, at) => ({ chunk, score: scores[at]! })).toSorted((a, b) => b.score - a.score);
}

/** A model that fails is left out: the words are searched all the same. */
async function findByMeaning(ctx: Ctx, query: RecallQuery) {
  try {
    return await findNearest(ctx, query);
  } catch (error) {
    console.warn("recall", error);
    return [];
  }
}

async function findNearest(ctx: Ctx, query: RecallQuery) {
  const { recall, text, threadId, personId, seen } = query;
  const model = recall.embeddingModel ?? ctx.defaultEmbeddingModel;
  const embedder = ctx.embedder(model);
  if (embedder.worth === 0) return [];
  const [vector] = (await embedder.embed([text])) as [Float32Array];
  const place = { storeId: recallPlace(threadId, personId), space: recallSpace(model) };
  const near = await ctx.vectors({ ...place, dimensions: vector.length, own: true }).query(vector, {
    limit: Math.min(MOST_NEAREST, CANDIDATES + seen),
    ...(isOfPerson(query) ? {} : { documentIds: [threadId] }),
  });
  const found = await loadMessages(
    ctx,
    query,
    near.map(({ id }) => id),
  );
  return near.flatMap(({ id, similarity }) => {
    const chunk = found.get(id);
    return chunk ? [{ chunk, similarity, worth: embedder.worth }] : [];
  });
}

async function loadMessages(ctx: Ctx, query: RecallQuery, ids: number[]): Promise<Map<number, Found>> {
  if (ids.length === 0) return new Map();
  const condition = scopeCondition(ctx, query);
  const { results } = await ctx.db.$client
    .prepare(
      `select ${COLUMNS} from recalled_messages m where m.id in (select value from json_each(?)) and ${condition.sql}`,
    )
    .bind(JSON.stringify(ids), ...condition.bindings)
    .all<Found>();
  return new Map(results.map((found) => [found.id, found]));
}

/** The best hits come with what was said around them, as far as there is room. */
async function withNeighbours(ctx: Ctx, query: RecallQuery, hits: Found[]): Promise<RecalledMessage[]> {
  const { before, after } = query.recall.messageRange;
  const around = hits.map(({ threadId, seq }) => ({ threadId, from: seq - before, to: seq + after }));
  const condition = scopeCondition(ctx, query);
  const { results } = await ctx.db.$client
    .prepare(
      `select distinct ${COLUMNS} from json_each(?) hit cross join recalled_messages m
       on m.thread_id = hit.value ->> 'threadId' and m.seq between hit.value ->> 'from' and hit.value ->> 'to'
       where ${condition.sql} order by m.created_at, m.thread_id, m.seq`,
    )
    .bind(JSON.stringify(around), ...condition.bindings)
    .all<Found>();
  const taken = new Set<number>();
  let room = MOST_CHARACTERS;
  for (const hit of around) {
    for (const message of results.filter((each) => isWithin(hit, each) && !taken.has(each.id))) {
      room -= message.text.length;
      if (room >= 0) taken.add(message.id);
    }
  }
  return results.filter(({ id }) => taken.has(id));
}

const isWithin = (hit: { threadId: string; from: number; to: number }, { threadId, seq }: Found) =>
  threadId === hit.threadId && seq >= hit.from && seq <= hit.to;
