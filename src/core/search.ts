import { sql, type SQL } from "drizzle-orm";
import { threads } from "../db/schema.ts";
import { hex } from "../lib/hash.ts";

/** A search looks at the newest hits only, so that a common word costs no more than a rare one. */
const NEWEST_HITS = 200;

const encoder = new TextEncoder();

/** One token for the project and one for the thread, whatever characters their ids have. */
const projectToken = (projectId: string) => `p${projectId.replaceAll("-", "")}`;
export const threadToken = (threadId: string) => `t${hex(encoder.encode(threadId))}`;
export const searchScope = (projectId: string, threadId: string) =>
  `${projectToken(projectId)} ${threadToken(threadId)}`;

/** The FTS5 query for one thread's rows. */
export const threadRows = (projectId: string, threadId: string) =>
  `scope:"${projectToken(projectId)}" AND scope:"${threadToken(threadId)}"`;

/** A text as it is kept for searches, and as it is looked for: SQLite folds the marks of Latin letters alone. */
export const searchable = (text: string) => text.normalize("NFC").replaceAll("ё", "е").replaceAll("Ё", "Е");

/** The condition for threads in which all words were said within one exchange. What a person types is text, never syntax. */
export function threadsThatSay(projectId: string, search: string): SQL {
  const words = searchable(search)
    .split(/[\s\p{Cc}]+/u)
    .filter((word) => /[\p{L}\p{N}]/u.test(word));
  if (words.length === 0) return sql`false`;
  const terms = words.map((word) => `text:"${word.replaceAll('"', '""')}"`);
  const query = [`scope:"${projectToken(projectId)}"`, ...terms].join(" AND ");
  return sql`${threads.id} in (select thread_id from message_search where message_search match ${query}
    order by rowid desc limit ${NEWEST_HITS})`;
}
