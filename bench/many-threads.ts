import type { Miniflare } from "miniflare";

type Database = Awaited<ReturnType<Miniflare["getD1Database"]>>;
type Filling = { projectId: string; chatId: string; count: number };

const AT_ONCE = 2000;
const WORDS_SAID = 24;

/** Words as they are used: the first in every other message, the last in one of thousands. */
export const WORDS = Array.from({ length: 3000 }, (_, rank) => `w${((rank * 2654435761) % 2 ** 32).toString(36)}`);

/** Writes threads with what was said in them straight into the database, up to so many. */
export async function fillThreads(db: Database, { projectId, chatId, count }: Filling): Promise<void> {
  const { there } = (await db
    .prepare("select count(*) as there from threads where project_id = ?")
    .bind(projectId)
    .first<{ there: number }>())!;
  for (let from = there; from < count; from += AT_ONCE) {
    const rows = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, index) => {
      const id = `thread-${from + index}`;
      return {
        id,
        at: 1_790_000_000_000 + (from + index) * 1000,
        scope: scopeOf(projectId, id),
        text: textOf(from + index),
      };
    });
    const json = JSON.stringify(rows);
    await db.batch([db.prepare(THREADS).bind(projectId, chatId, json), db.prepare(MESSAGES).bind(json)]);
  }
}

const THREADS = `insert into threads
    (project_id, id, chat_id, bot_id, mode, pending_count, last_message_at, created_at, version)
  select ?1, value ->> 'id', ?2, ?2, 'auto', 0, value ->> 'at', value ->> 'at', 1 from json_each(?3)`;

const MESSAGES = `insert into message_search (scope, text, thread_id)
  select value ->> 'scope', value ->> 'text', value ->> 'id' from json_each(?1)`;

/** The words by which a search knows project and thread. */
const scopeOf = (projectId: string, threadId: string) =>
  `p${projectId.replaceAll("-", "")} t${Buffer.from(threadId).toString("hex")}`;

function textOf(number: number): string {
  return Array.from({ length: WORDS_SAID }, (_, at) => WORDS[rankOf(number * WORDS_SAID + at)]).join(" ");
}

/** By Zipf's law: the rank is about the exponential of an even random number. */
function rankOf(seed: number): number {
  const even = (Math.imul(seed + 1, 0x9e3779b1) >>> 0) / 2 ** 32;
  return Math.floor(WORDS.length ** even) - 1;
}
