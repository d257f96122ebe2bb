import type { Db } from "../../db/client.ts";
import type { JobPort } from "../ports.ts";
import { ringFor } from "./schedule-projection.ts";

/** The sweep comes every minute; what falls due before the next, and some seconds more, is rung for now. */
const AHEAD_MS = 75_000;
/** A bell that was rung lately is not rung again, so that a doubled sweep rings once. */
const LEASE_MS = 30_000;
const ROWS_PER_ROUND = 500;
const MOST_ROUNDS = 20;

type Row = { id: string; project_id: string; thread_id: string; due_at: number };

/** Rings for what is due until the next sweep, and again for what is overdue: its bell, or its thread's alarm, may have been lost. */
export async function sweepSchedules(db: Db, jobs: JobPort, now: Date): Promise<void> {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const rows = await lease(db, now.getTime());
    await Promise.all(rows.map((row) => ringFor(jobs, rowOf(row), now.getTime())));
    if (rows.length < ROWS_PER_ROUND) return;
  }
}

/** Read and marked in one statement: of two sweeps at once only one gets a row. */
async function lease(db: Db, now: number): Promise<Row[]> {
  const { results } = await db.$client
    .prepare(
      `update schedules set rung_at = ?1 where id in (
         select id from schedules
         where status = 'pending' and due_at < ?2 and (rung_at is null or rung_at < ?3)
         order by due_at limit ${ROWS_PER_ROUND})
       returning id, project_id, thread_id, due_at`,
    )
    .bind(now, now + AHEAD_MS, now - LEASE_MS)
    .all<Row>();
  return results;
}

const rowOf = (row: Row) => ({
  id: row.id,
  projectId: row.project_id,
  threadId: row.thread_id,
  dueAt: row.due_at,
});
