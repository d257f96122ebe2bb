import { and, asc, eq, isNotNull, lt } from "drizzle-orm";
import type { Db } from "../db/client.ts";
import { chatHours, chats, conversations, threads } from "../db/schema.ts";
import type { Ctx } from "./context.ts";
import type { JobPort } from "./ports.ts";

const THREADS_PER_JOB = 50;
/** A request that read the chat just before its deletion may still open a thread in it; its row waits for that. */
const LATECOMERS_MS = 60_000;

/** Erases a deleted chat's threads in the background. The chat's row, marked as deleted, is what remembers the work. */
export const eraseLater = (ctx: Ctx, chatId: string): Promise<void> =>
  ctx.jobs.ring({ kind: "erase-chat", projectId: ctx.project.id, chatId });

/** Erases some threads of a deleted chat and rings again while there are more; at last the chat itself. */
export async function eraseChat(ctx: Ctx, chatId: string): Promise<void> {
  const chat = await ctx.db.query.chats.findFirst({
    where: and(eq(chats.id, chatId), eq(chats.projectId, ctx.project.id), isNotNull(chats.deletedAt)),
  });
  if (!chat) return;
  const found = await ctx.db
    .select({ id: threads.id })
    .from(threads)
    .where(eq(threads.chatId, chatId))
    .orderBy(asc(threads.createdAt))
    .limit(THREADS_PER_JOB);
  await Promise.all(found.map(({ id }) => ctx.thread(id).erase()));
  if (found.length === THREADS_PER_JOB) await eraseLater(ctx, chatId);
  else if (chat.deletedAt! < new Date(ctx.now().getTime() - LATECOMERS_MS)) await deleteRows(ctx.db, chatId);
}

const deleteRows = (db: Db, chatId: string) =>
  db.batch([
    db.delete(chatHours).where(eq(chatHours.chatId, chatId)),
    db.delete(conversations).where(eq(conversations.chatId, chatId)),
    db.delete(chats).where(eq(chats.id, chatId)),
  ]);

/** Rings for every deleted chat that is still there: a bell may have been lost. */
export async function sweepDeletedChats(db: Db, jobs: JobPort, now: Date): Promise<void> {
  const waiting = await db
    .select({ chatId: chats.id, projectId: chats.projectId })
    .from(chats)
    .where(and(isNotNull(chats.deletedAt), lt(chats.deletedAt, new Date(now.getTime() - LATECOMERS_MS))))
    .limit(100);
  await Promise.all(waiting.map((chat) => jobs.ring({ kind: "erase-chat", ...chat })));
}
