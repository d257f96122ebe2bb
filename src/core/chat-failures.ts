import type { Ctx } from "./context.ts";
import type { LiveEvent } from "./live-events.ts";

/**
 * What a thread has found out about its chat becomes the chat's status. A chat that somebody switched off stays off.
 * Repeatable.
 */
export const chatStatusStatements = (ctx: Ctx, rows: { events: LiveEvent[] }[]): D1PreparedStatement[] =>
  rows.flatMap(({ events }) =>
    events.flatMap((event) => {
      if (event.type !== "chat-status-changed") return [];
      const { chatId, status, error } = event;
      return ctx.db.$client
        .prepare(
          `update chats set status = ?, error = ?, updated_at = ?
           where id = ? and project_id = ? and status <> 'disabled'`,
        )
        .bind(status, error, ctx.now().getTime(), chatId, ctx.project.id);
    }),
  );
