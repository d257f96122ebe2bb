import * as z from "zod";
import { createBatch } from "../../core/knowledge/document-batches.ts";
import { invalid } from "../../core/errors.ts";
import { getFiles } from "../../core/knowledge/stored-files.ts";
import { answering } from "../../core/idempotency.ts";
import { searchKnowledge } from "../../core/knowledge/knowledge-search.ts";
import {
  createStore,
  deleteStore,
  findStore,
  getStore,
  listStores,
  refuseExpired,
  updateStore,
  type KnowledgeStore,
} from "../../core/knowledge/knowledge-stores.ts";
import { beginRebuild } from "../../core/knowledge/store-rebuild.ts";
import type { Ctx } from "../../core/context.ts";
import type { Api } from "../../http/route.ts";
import { isOpenAi, PREFIXES, type Prefix } from "./openai-shapes.ts";
import {
  CreateVectorStore,
  ItemQuery,
  OpenAiVectorStore,
  OpenAiVectorStoreList,
  SearchResults,
  SearchVectorStore,
  UpdateVectorStore,
  VectorStore,
  VectorStoreDeleted,
  VectorStoreList,
} from "./schemas.ts";
import { chunkingFrom, listView, openAiVectorStoreView, searchResultsView, vectorStoreView } from "./wire.ts";

const Id = z.object({ store_id: z.string() });

export function vectorStores(api: Api): void {
  for (const prefix of PREFIXES) declare(api, prefix);
}

const declare = (api: Api, prefix: Prefix) => {
  const One = prefix ? OpenAiVectorStore : z.union([VectorStore, OpenAiVectorStore]);
  const List = prefix ? OpenAiVectorStoreList : z.union([VectorStoreList, OpenAiVectorStoreList]);
  const path = `${prefix}/vector_stores` as const;
  return api
    .on(
      "post",
      path,
      { summary: "Create a vector store", json: CreateVectorStore, ok: One },
      async ({ c, ctx, json }) => {
        const openAi = isOpenAi(c, prefix);
        if (!openAi && !json.name) throw invalid("name", "must be given");
        const view = openAi ? openAiVectorStoreView(ctx.now()) : vectorStoreView;
        return view(await createWithFiles(ctx, json, view));
      },
    )
    .on("get", path, { summary: "List vector stores", query: ItemQuery, ok: List }, async ({ c, ctx, query }) => {
      const page = await listStores(ctx, query);
      return isOpenAi(c, prefix) ? listView(page, openAiVectorStoreView(ctx.now())) : listView(page, vectorStoreView);
    })
    .on(
      "get",
      `${path}/:store_id`,
      { summary: "Get a vector store", params: Id, ok: One },
      async ({ c, ctx, params }) => {
        const store = await getStore(ctx, params.store_id);
        return isOpenAi(c, prefix) ? openAiVectorStoreView(ctx.now())(store) : vectorStoreView(store);
      },
    )
    .on(
      "post",
      `${path}/:store_id`,
      {
        summary: "Update a vector store",
        description:
          "With another `embedding_model` all vectors are made anew; searches use the present ones until that is done.",
        params: Id,
        json: UpdateVectorStore,
        ok: One,
      },
      async ({ c, ctx, params, json }) => {
        const updated = await updateStore(ctx, params.store_id, changesFrom(json));
        const store = await changeModel(ctx, updated, json.embedding_model);
        return isOpenAi(c, prefix) ? openAiVectorStoreView(ctx.now())(store) : vectorStoreView(store);
      },
    )
    .on(
      "delete",
      `${path}/:store_id`,
      { summary: "Delete a vector store", params: Id, ok: VectorStoreDeleted },
      async ({ ctx, params }) => {
        await deleteStore(ctx, params.store_id);
        return { id: params.store_id, object: "vector_store.deleted" as const, deleted: true as const };
      },
    )
    .on(
      "post",
      `${path}/:store_id/search`,
      {
        summary: "Search a vector store",
        description: "The passages that answer best, with the file that each is from. A score is from 0 to 1.",
        params: Id,
        json: SearchVectorStore,
        ok: SearchResults,
      },
      async ({ ctx, params, json }) => search(ctx, params.store_id, json),
    );
};

type View = (store: Awaited<ReturnType<typeof createStore>>) => object;

/** The files are checked before anything is made, so that a wrong one leaves nothing behind. */
async function createWithFiles(ctx: Ctx, json: z.output<typeof CreateVectorStore>, view: View) {
  const fileIds = [...new Set(json.file_ids ?? [])];
  await getFiles(ctx, fileIds);
  const store = await createStore(answering(ctx, view), {
    name: json.name ?? "",
    description: json.description,
    metadata: json.metadata ?? {},
    embeddingModel: json.embedding_model,
    expiresAfterDays: json.expires_after?.days,
  });
  if (fileIds.length === 0) return store;
  const chunking = chunkingFrom(json.chunking_strategy);
  const entries = fileIds.map((fileId) => ({ fileId, attributes: null, chunking }));
  await createBatch({ ...ctx, once: null }, store.id, entries);
  return getStore(ctx, store.id);
}

async function changeModel(ctx: Ctx, store: KnowledgeStore, model: string | undefined): Promise<KnowledgeStore> {
  if (model === undefined || (store.nextModel ?? store.embeddingModel) === model) return store;
  await beginRebuild(ctx, store.id, model);
  return getStore(ctx, store.id);
}

/** What is null is taken away, what is absent stays. */
const changesFrom = ({ name, description, expires_after, metadata }: z.output<typeof UpdateVectorStore>) => ({
  ...(name ? { name } : {}),
  ...(description === undefined ? {} : { description }),
  ...(expires_after === undefined ? {} : { expiresAfterDays: expires_after?.days ?? null }),
  ...(metadata === undefined ? {} : { metadata: metadata ?? {} }),
});

async function search(ctx: Ctx, storeId: string, json: z.output<typeof SearchVectorStore>) {
  refuseExpired(ctx, await findStore(ctx, storeId));
  const queries = [json.query].flat();
  const hits = await searchKnowledge(ctx, {
    storeIds: [storeId],
    queries,
    limit: json.max_num_results,
    minScore: json.ranking_options?.score_threshold,
    filter: json.filters ?? null,
  });
  return searchResultsView(queries, hits);
}
