import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { ServerApi } from "./api.ts";

const ROOT = join(import.meta.dirname, "..");
const SHOP = "scripts/demo/lighthouse-books.md";
const LONGEST_WAIT_MS = 60_000;

type Local = { filename: string; content: string; hash: string };
type Stored = {
  id: string;
  filename: string;
  status: "pending" | "processed" | "error";
  attributes: { content_hash?: string };
  error: string | null;
};

function readLocal(path: string, filename: string): Local {
  const content = readFileSync(join(ROOT, path), "utf8");
  return { filename, content, hash: createHash("sha256").update(content).digest("hex") };
}

/** What the demo's bot answers from: the shop's own words, and the documentation of this project. */
function localDocuments(): Local[] {
  const docs = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
  const ours = ["README.md", "CONTRIBUTING.md", ...docs.map((name) => `docs/${name}`)];
  return [readLocal(SHOP, "lighthouse-books.md"), ...ours.map((path) => readLocal(path, path))];
}

/**
 * Brings a store up to date with the documents here: those that are new or changed are added, and those that they replace,
 * or that are gone, are removed once the new ones are found. Answers what is not as it should be.
 */
export async function ingestDocuments(api: ServerApi, storeId: string): Promise<string[]> {
  const files = `/vector_stores/${storeId}/files`;
  const wanted = localDocuments();
  const before = await listFiles(api, files);
  const missing = wanted.filter(
    (document) => !before.some((file) => isSame(document, file) && file.status !== "error"),
  );
  await Promise.all(
    missing.map(({ filename, content, hash }) =>
      api.post(files, { filename, content, attributes: { content_hash: hash } }),
    ),
  );
  const after = await untilRead(api, files);
  const unread = after.filter(({ status }) => status !== "processed");
  if (unread.length > 0) return unread.map(({ filename, error }) => `${filename} (${error ?? "not read yet"})`);
  const stale = after.filter((file) => !wanted.some((document) => isSame(document, file)));
  await Promise.all(stale.map(({ id }) => api.call("DELETE", `${files}/${id}`)));
  return [];
}

const isSame = ({ filename, hash }: Local, file: Stored) =>
  file.filename === filename && file.attributes.content_hash === hash;

const listFiles = async (api: ServerApi, files: string) =>
  (await api.get<{ data: Stored[] }>(`${files}?limit=100`)).data;

async function untilRead(api: ServerApi, files: string): Promise<Stored[]> {
  const until = Date.now() + LONGEST_WAIT_MS;
  for (;;) {
    const listed = await listFiles(api, files);
    if (listed.every(({ status }) => status !== "pending") || Date.now() > until) return listed;
    await wait(50);
  }
}
