import * as z from "zod";
import { cancelBatch, createBatch, getBatch, listBatchDocuments } from "../../core/knowledge/document-batches.ts";
import { answering } from "../../core/idempotency.ts";
import type { Api } from "../../http/route.ts";
import { isOpenAi, PREFIXES, type Prefix } from "./openai-shapes.ts";
import {
  CreateFileBatch,
  FileBatch,
  OpenAiFileBatch,
  OpenAiVectorStoreFileList,
  VectorStoreFileList,
  VectorStoreFileQuery,
} from "./schemas.ts";
import {
  batchEntriesFrom,
  fileBatchView,
  listView,
  openAiFileBatchView,
  openAiVectorStoreFileView,
  statusFrom,
  vectorStoreFileView,
} from "./wire.ts";

const StoreId = z.object({ store_id: z.string() });
const Id = StoreId.extend({ batch_id: z.string() });

export function vectorStoreBatches(api: Api): void {
  for (const prefix of PREFIXES) declare(api, prefix);
}

const declare = (api: Api, prefix: Prefix) => {
  const One = prefix ? OpenAiFileBatch : z.union([FileBatch, OpenAiFileBatch]);
  const List = prefix ? OpenAiVectorStoreFileList : z.union([VectorStoreFileList, OpenAiVectorStoreFileList]);
  const path = `${prefix}/vector_stores/:store_id/file_batches` as const;
  const viewFor = (c: Parameters<typeof isOpenAi>[0]) => (isOpenAi(c, prefix) ? openAiFileBatchView : fileBatchView);
  return api
    .on(
      "post",
      path,
      {
        summary: "Add uploaded files to a vector store",
        description:
          "All of them or, where one is not there, none. `file_ids` with what is wanted of all, or `files` with what is wanted of each.",
        params: StoreId,
        json: CreateFileBatch,
        ok: One,
      },
      async ({ c, ctx, params, json }) => {
        const view = viewFor(c);
        return view(await createBatch(answering(ctx, view), params.store_id, batchEntriesFrom(json)));
      },
    )
    .on("get", `${path}/:batch_id`, { summary: "Get a file batch", params: Id, ok: One }, async ({ c, ctx, params }) =>
      viewFor(c)(await getBatch(ctx, params.store_id, params.batch_id)),
    )
    .on(
      "post",
      `${path}/:batch_id/cancel`,
      {
        summary: "Cancel a file batch",
        description: "Files that are processed already stay in the vector store.",
        params: Id,
        ok: One,
      },
      async ({ c, ctx, params }) => viewFor(c)(await cancelBatch(ctx, params.store_id, params.batch_id)),
    )
    .on(
      "get",
      `${path}/:batch_id/files`,
      { summary: "List the files of a batch", params: Id, query: VectorStoreFileQuery, ok: List },
      async ({ c, ctx, params, query: { filter, ...page } }) => {
        const found = await listBatchDocuments(ctx, params.store_id, params.batch_id, {
          ...page,
          status: filter && statusFrom(filter),
        });
        return isOpenAi(c, prefix) ? listView(found, openAiVectorStoreFileView) : listView(found, vectorStoreFileView);
      },
    );
};
