import type { Job } from "../core/ports.ts";
import { eraseChat } from "../core/erasure.ts";
import type { Ctx } from "../core/context.ts";

/** What each kind of queue message is a bell for. To add a kind: its type in `core/ports.ts`, its line here. */
export const jobs: { [K in Job["kind"]]: (ctx: Ctx, job: Job & { kind: K }) => Promise<void> } = {
  "erase-chat": (ctx, { chatId }) => eraseChat(ctx, chatId),
};
