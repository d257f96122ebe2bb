import type { Ctx } from "../core/context.ts";
import type { ClaimedDocument } from "../core/knowledge/document-queue.ts";
import { keepFetched } from "../core/knowledge/document-sources.ts";
import { DomainError } from "../core/errors.ts";
import { UnreadableDocument } from "./blocks.ts";

const MOST_BYTES = 25_000_000;
/** Less than a claim lasts. */
const TIMEOUT_MS = 20_000;
const ACCEPT = "text/html, text/markdown, text/plain, application/pdf, */*;q=0.8";

/** An address that does not give what it should, but may do so later. */
export class SourceUnavailable extends Error {
  override name = "SourceUnavailable";
}

/** Fetches what lies at a document's address now, and keeps it as the document's bytes. */
export async function fetchSource(ctx: Ctx, document: ClaimedDocument & { sourceUrl: string }): Promise<Uint8Array> {
  const { status, body, url } = await get(ctx, document.sourceUrl);
  const host = new URL(url).hostname;
  if (status === 429 || status >= 500) throw new SourceUnavailable(`${host} answered with the error ${status}.`);
  if (status !== 200)
    throw new UnreadableDocument(`${host} does not give the document: it answered with ${meaningOf(status)}.`);
  if (body.length > MOST_BYTES)
    throw new UnreadableDocument(`What ${host} sent is too large: at most 25 MB can be read.`);
  if (body.length === 0) throw new UnreadableDocument(`${host} sent an empty document.`);
  await keepFetched(ctx, document, body);
  return body;
}

async function get(ctx: Ctx, url: string) {
  try {
    const limits = { maxBytes: MOST_BYTES + 1, cut: true, timeoutMs: TIMEOUT_MS };
    return await ctx.outbound(url, { ...limits, headers: { accept: ACCEPT } });
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    if (error.code === "upstream_failed") throw new SourceUnavailable(`${error.message}.`);
    throw new UnreadableDocument(`The address must not be called: ${error.message}.`);
  }
}

const MEANINGS: Record<number, string> = {
  401: "401, which asks for a login",
  403: "403, which forbids it",
  404: "404, which says that there is nothing",
  410: "410, which says that it is gone",
};

const meaningOf = (status: number) => MEANINGS[status] ?? `the status ${status}`;
