const PAGE = 50;
const NEWEST_HITS = 200;

/** The newest threads of a project. */
export async function listThreads(db: D1Database, projectId: string): Promise<unknown[]> {
  const { results } = await db
    .prepare("select * from threads where project_id = ? order by created_at desc, id desc limit ?")
    .bind(projectId, PAGE)
    .all();
  return results;
}

/** The newest threads of a project among those of the newest messages that say a word. */
export async function searchThreads(db: D1Database, projectId: string, word: string): Promise<unknown[]> {
  const { results } = await db
    .prepare(
      `select * from threads where project_id = ? and id in (
         select thread_id from message_search where message_search match ? order by rowid desc limit ?)
       order by +created_at desc, id desc limit ?`,
    )
    .bind(projectId, `scope:"p${projectId.replaceAll("-", "")}" AND text:"${word}"`, NEWEST_HITS, PAGE)
    .all();
  return results;
}
