import type { Ctx } from "./context.ts";
import { notFound } from "./errors.ts";
import type { MessageFile } from "./messages.ts";
import { requireThread } from "./threads.ts";

const prefixOf = (ctx: Ctx, threadId: string) => `${ctx.project.id}/threads/${threadId}/`;

/** A key of a bucket may not be of any length. */
const LONGEST_ID = 128;

type Given = { id: string; name: string; mediaType: string; response: Response };

/** Keeps a file that came with a message. Kept again, it is the same file. */
export async function saveFile(
  ctx: Ctx,
  threadId: string,
  { id, name, mediaType, response }: Given,
): Promise<MessageFile> {
  const body = await response.arrayBuffer();
  await ctx.files.put(prefixOf(ctx, threadId) + id, body, mediaType);
  return { id, name, mediaType, sizeBytes: body.byteLength };
}

export async function getFile(ctx: Ctx, threadId: string, id: string) {
  await requireThread(ctx, threadId);
  if (id.length > LONGEST_ID) throw notFound("file", id);
  const file = await ctx.files.get(prefixOf(ctx, threadId) + id);
  if (!file) throw notFound("file", id);
  return file;
}

export const deleteFiles = (ctx: Ctx, threadId: string) => ctx.files.deleteAll(prefixOf(ctx, threadId));
