import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { Ctx } from "../../src/core/context.ts";
import { fuse, type FusedHit } from "../../src/core/knowledge/hybrid.ts";
import { joinNeighbours, type KnowledgeHit } from "../../src/core/knowledge/joined-chunks.ts";
import { searchKnowledge } from "../../src/core/knowledge/knowledge-search.ts";
import { searchableStores } from "../../src/core/knowledge/knowledge-stores.ts";
import { searchWords } from "../../src/core/knowledge/lexical-search.ts";
import { searchVectors } from "../../src/core/knowledge/vector-search.ts";
import { openContext } from "../../src/runtime/context.ts";
import { Store } from "../../test/helpers/knowledge.ts";
import { newProject } from "../../test/helpers/project.ts";
import english from "./corpus/debian-faq.en.md?raw";
import portuguese from "./corpus/debian-faq.pt.md?raw";
import russian from "./corpus/debian-faq.ru.md?raw";
import type { Outcome } from "./measures.ts";
import { type Language, QUESTIONS } from "./questions.ts";
import { figuresOf, reportOn, type Row } from "./tables.ts";
import { searchWholeWords } from "./whole-words.ts";

const CORPUS: Record<Language, string> = { en: english, ru: russian, pt: portuguese };
const LANGUAGES = Object.keys(CORPUS) as Language[];
const [FUSED, MOST] = [64, 10];

type Search = (ctx: Ctx, storeId: string, question: string) => Promise<KnowledgeHit[]>;

const passages = (hits: FusedHit[]) => joinNeighbours(hits, MOST);
const among = (storeId: string) => ({ storeIds: [storeId], filter: null });

async function near(ctx: Ctx, storeId: string, question: string) {
  return searchVectors(ctx, await searchableStores(ctx, [storeId], 1), question, among(storeId));
}

const WAYS = {
  words: async (ctx, storeId, question) => passages(fuse(await searchWholeWords(ctx, question, storeId), [], FUSED)),
  stems: async (ctx, storeId, question) => passages(fuse(await searchWords(ctx, question, among(storeId)), [], FUSED)),
  vectors: async (ctx, storeId, question) =>
    passages(
      (await near(ctx, storeId, question)).map(({ chunk, similarity }) => ({
        chunk,
        score: similarity,
        lexical: null,
        similarity,
      })),
    ),
  /** As the server answers: each half weighs what its model is worth. */
  served: (ctx, storeId, question) => searchKnowledge(ctx, { storeIds: [storeId], queries: [question], limit: MOST }),
  /** As if vectors were worth as much as words. */
  equal: async (ctx, storeId, question) => {
    const vectors = (await near(ctx, storeId, question)).map((hit) => ({ ...hit, worth: 1 }));
    return passages(fuse(await searchWords(ctx, question, among(storeId)), vectors, FUSED));
  },
} satisfies Record<string, Search>;

const titlesOf = ({ headings, text }: KnowledgeHit) => [
  ...headings,
  ...[...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title!),
];

const answers = (hit: KnowledgeHit, sections: string[]) =>
  titlesOf(hit).some((title) => sections.some((section) => title.startsWith(`${section}.`)));

function outcomeOf(hits: KnowledgeHit[], sections: string[]): Outcome {
  const at = hits.findIndex((hit) => answers(hit, sections));
  return { rank: at < 0 ? null : at + 1, best: hits[0]?.score ?? 0 };
}

async function ask(language: Language): Promise<Row[]> {
  const project = await newProject();
  const store = await Store.create(project, { embedding_model: env.DEFAULT_EMBEDDING_MODEL });
  await store.addAndWait("debian-faq.md", CORPUS[language]);
  const ctx = openContext(env, project, { actor: { type: "system", job: "bench" }, defer: () => {} });
  const rows: Row[] = [];
  for (const { sections, [language]: question } of QUESTIONS) {
    const outcomes: Row["outcomes"] = {};
    for (const [way, search] of Object.entries(WAYS))
      outcomes[way] = outcomeOf(await search(ctx, store.id, question), sections);
    rows.push({ language, isAnswerable: sections.length > 0, outcomes });
  }
  return rows;
}

it("finds the passages that answer", { timeout: 600_000 }, async () => {
  const rows = (await Promise.all(LANGUAGES.map(ask))).flat();
  console.warn(reportOn(rows, env.DEFAULT_EMBEDDING_MODEL ?? "embedded/hash"));
  console.warn(`figures ${JSON.stringify(figuresOf(rows))}`);
  expect(rows).toHaveLength(QUESTIONS.length * LANGUAGES.length);
});
