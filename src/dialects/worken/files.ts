import * as z from "zod";
import { createFile, deleteFile, getFile, listFiles, readContent } from "../../core/knowledge/stored-files.ts";
import { answering } from "../../core/idempotency.ts";
import type { Api } from "../../http/route.ts";
import { PREFIXES, type Prefix } from "./openai-shapes.ts";
import { FileDeleted, FileList, FileQuery, StoredFile, UploadFile } from "./schemas.ts";
import { listView, storedFileView } from "./wire.ts";

const Id = z.object({ file_id: z.string() });

export function files(api: Api): void {
  for (const prefix of PREFIXES) declare(api, prefix);
}

const declare = (api: Api, prefix: Prefix) =>
  api
    .on(
      "post",
      `${prefix}/files`,
      {
        summary: "Upload a file",
        description: "At most 25 MB, as multipart/form-data. It is found once it is added to a vector store.",
        form: UploadFile,
        ok: StoredFile,
      },
      async ({ ctx, form }) => {
        const { file, purpose } = form!;
        const bytes = new Uint8Array(await file.arrayBuffer());
        const filename = (file.name || "file").slice(-255);
        return storedFileView(await createFile(answering(ctx, storedFileView), { filename, purpose, bytes }));
      },
    )
    .on("get", `${prefix}/files`, { summary: "List files", query: FileQuery, ok: FileList }, async ({ ctx, query }) =>
      listView(await listFiles(ctx, query), storedFileView),
    )
    .on(
      "get",
      `${prefix}/files/:file_id`,
      { summary: "Get a file", params: Id, ok: StoredFile },
      async ({ ctx, params }) => storedFileView(await getFile(ctx, params.file_id)),
    )
    .on(
      "get",
      `${prefix}/files/:file_id/content`,
      { summary: "Download a file", params: Id },
      async ({ ctx, params }) => {
        const { file, bytes } = await readContent(ctx, params.file_id);
        return new Response(bytes as Uint8Array<ArrayBuffer>, { headers: downloadHeaders(file.filename) });
      },
    )
    .on(
      "delete",
      `${prefix}/files/:file_id`,
      { summary: "Delete a file, also from the vector stores that it is in", params: Id, ok: FileDeleted },
      async ({ ctx, params }) => {
        await deleteFile(ctx, params.file_id);
        return { id: params.file_id, object: "file" as const, deleted: true as const };
      },
    );

/** Whatever the file is, a browser saves it and runs nothing of it. */
const downloadHeaders = (filename: string) => ({
  "content-type": "application/octet-stream",
  "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(filename.toWellFormed())}`,
  "x-content-type-options": "nosniff",
  "content-security-policy": "sandbox",
});
