import type { Ctx } from "./context.ts";
import { requireThread } from "./threads.ts";

/** Live events of one thread, or of the whole project, after an event id; a socket that brings server-sent frames. */
export async function listenToEvents(ctx: Ctx, threadId: string | null, after: string | null): Promise<WebSocket> {
  if (threadId === null) return ctx.feed.listen(after);
  await requireThread(ctx, threadId);
  return ctx.thread(threadId).listen(after);
}

/** A ticket stands in for the key where a browser's EventSource cannot send one. */
export async function issueTicket(ctx: Ctx, threadId: string | null): Promise<{ ticket: string; expiresAt: Date }> {
  if (threadId !== null) await requireThread(ctx, threadId);
  return ctx.feed.issueTicket(threadId);
}

/** The project that a ticket says it is of. */
export const projectOfTicket = (ticket: string): string => ticket.split(".")[0] ?? "";
