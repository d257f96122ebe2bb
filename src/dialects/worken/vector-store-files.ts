import * as z from "zod";
import type { Ctx } from "../../core/context.ts";
import { addSource } from "../../core/knowledge/document-sources.ts";
import { readDocumentText } from "../../core/knowledge/document-text.ts";
import {
  addContent,
  addFile,
  getDocument,
  listDocuments,
  removeDocument,
  retryDocument,
  updateDocument,
  type Document,
} from "../../core/knowledge/documents.ts";
import type { DocumentOptions } from "../../core/knowledge/new-documents.ts";
import { answering } from "../../core/idempotency.ts";
import type { Api } from "../../http/route.ts";
import { isOpenAi, PREFIXES, type Prefix } from "./openai-shapes.ts";
import {
  AddVectorStoreFile,
  OpenAiVectorStoreFile,
  OpenAiVectorStoreFileList,
  RetryVectorStoreFile,
  UpdateVectorStoreFile,
  UploadVectorStoreFile,
  VectorStoreFile,
  VectorStoreFileContent,
  VectorStoreFileDeleted,
  VectorStoreFileList,
  VectorStoreFileQuery,
} from "./schemas.ts";
import { chunkingFrom, listView, openAiVectorStoreFileView, statusFrom, vectorStoreFileView } from "./wire.ts";

const StoreId = z.object({ store_id: z.string() });
const Id = StoreId.extend({ file_id: z.string() });

export function vectorStoreFiles(api: Api): void {
  for (const prefix of PREFIXES) declare(api, prefix);
}

const declare = (api: Api, prefix: Prefix) => {
  const One = prefix ? OpenAiVectorStoreFile : z.union([VectorStoreFile, OpenAiVectorStoreFile]);
  const List = prefix ? OpenAiVectorStoreFileList : z.union([VectorStoreFileList, OpenAiVectorStoreFileList]);
  const path = `${prefix}/vector_stores/:store_id/files` as const;
  const viewFor = (c: Parameters<typeof isOpenAi>[0]) =>
    isOpenAi(c, prefix) ? openAiVectorStoreFileView : vectorStoreFileView;
  return api
    .on(
      "post",
      path,
      {
        summary: "Add a file to a vector store",
        description:
          "An uploaded file by its id, a text with its filename, the address of a document or page, or a file in a form. It is read in the background: `status` says when a search finds it.",
        params: StoreId,
        json: AddVectorStoreFile,
        form: UploadVectorStoreFile,
        ok: One,
      },
      async ({ c, ctx, params, json, form }) => {
        const view = viewFor(c);
        const once = answering(ctx, view);
        return view(await (form ? addUpload(once, params.store_id, form) : addJson(once, params.store_id, json!)));
      },
    )
    .on(
      "get",
      path,
      { summary: "List a vector store's files", params: StoreId, query: VectorStoreFileQuery, ok: List },
      async ({ c, ctx, params, query: { filter, ...page } }) => {
        const found = await listDocuments(ctx, params.store_id, { ...page, status: filter && statusFrom(filter) });
        return isOpenAi(c, prefix) ? listView(found, openAiVectorStoreFileView) : listView(found, vectorStoreFileView);
      },
    )
    .on(
      "get",
      `${path}/:file_id`,
      { summary: "Get a vector store's file", params: Id, ok: One },
      async ({ c, ctx, params }) => viewFor(c)(await getDocument(ctx, params.store_id, params.file_id)),
    )
    .on(
      "post",
      `${path}/:file_id`,
      { summary: "Update a file's attributes", params: Id, json: UpdateVectorStoreFile, ok: One },
      async ({ c, ctx, params, json }) =>
        viewFor(c)(await updateDocument(ctx, params.store_id, params.file_id, json.attributes ?? {})),
    )
    .on(
      "post",
      `${path}/:file_id/retry`,
      {
        summary: "Process a file again",
        description:
          "One that has failed, or one that shall be cut otherwise. Until it is done its present text is found.",
        params: Id,
        json: RetryVectorStoreFile,
        ok: One,
      },
      async ({ c, ctx, params, json: { chunking_strategy: strategy } }) =>
        viewFor(c)(
          await retryDocument(
            ctx,
            params.store_id,
            params.file_id,
            strategy === undefined ? {} : { chunking: chunkingFrom(strategy) },
          ),
        ),
    )
    .on(
      "get",
      `${path}/:file_id/content`,
      { summary: "Get the text that was read from a file", params: Id, ok: VectorStoreFileContent },
      async ({ ctx, params }) => contentView(await readDocumentText(ctx, params.store_id, params.file_id)),
    )
    .on(
      "delete",
      `${path}/:file_id`,
      { summary: "Remove a file from a vector store", params: Id, ok: VectorStoreFileDeleted },
      async ({ ctx, params }) => {
        await removeDocument(ctx, params.store_id, params.file_id);
        return { id: params.file_id, object: "vector_store.file.deleted" as const, deleted: true as const };
      },
    );
};

const encoder = new TextEncoder();

function addJson(ctx: Ctx, storeId: string, json: z.output<typeof AddVectorStoreFile>): Promise<Document> {
  const options = optionsFrom(json);
  if ("file_id" in json) return addFile(ctx, storeId, json.file_id, options);
  if ("url" in json) return addSource(ctx, storeId, json, options);
  return addContent(ctx, storeId, { filename: json.filename, bytes: encoder.encode(json.content) }, options);
}

async function addUpload(ctx: Ctx, storeId: string, form: z.output<typeof UploadVectorStoreFile>): Promise<Document> {
  const options = optionsFrom(form);
  const bytes = new Uint8Array(await form.file.arrayBuffer());
  return addContent(ctx, storeId, { filename: form.filename ?? (form.file.name || "file"), bytes }, options);
}

type Options = {
  attributes?: Document["attributes"] | null | undefined;
  chunking_strategy?: Parameters<typeof chunkingFrom>[0];
};

/** Attributes that nobody speaks of are none, or those that are there. */
const optionsFrom = ({ attributes, chunking_strategy }: Options): DocumentOptions => ({
  ...(attributes ? { attributes } : {}),
  chunking: chunkingFrom(chunking_strategy),
});

const contentView = (texts: string[]) => ({
  object: "vector_store.file_content.page" as const,
  data: texts.map((text) => ({ type: "text" as const, text })),
  has_more: false,
  next_page: null,
});
