import * as z from "zod";
import { issueTicket, listenToEvents } from "../../core/events.ts";
import { liveStream } from "../../http/live-stream.ts";
import type { Api } from "../../http/route.ts";
import { CreateTicket, ThreadEvent, ThreadId, Ticket } from "./schemas.ts";
import { threadEventView } from "./wire.ts";

const Id = z.object({ thread_id: ThreadId });

/** Where a header cannot be sent, as by a browser's EventSource: a ticket, or the key itself. */
const ListenQuery = z.object({ ticket: z.string().max(200).optional(), api_key: z.string().max(200).optional() });

const listening = {
  description: "Server-sent events. `Last-Event-ID` brings what was missed.",
  query: ListenQuery,
  ok: ThreadEvent,
  streams: true,
  access: "listener",
} as const;

export const events = (api: Api) =>
  api
    .on(
      "post",
      "/threads/events/tickets",
      {
        summary: "Get a ticket for live events",
        description:
          "For `?ticket=`: one minute to connect, then an hour in which the same listener may come back. Bound to one thread if one is named.",
        json: CreateTicket.default({}),
        ok: Ticket,
      },
      async ({ ctx, json }) => {
        const { ticket, expiresAt } = await issueTicket(ctx, json.thread_id ?? null);
        return { ticket, expires_at: expiresAt.toISOString() };
      },
    )
    .on("get", "/threads/events", { ...listening, summary: "Live events of the project" }, async ({ c, ctx }) => {
      const socket = await listenToEvents(ctx, null, c.req.header("last-event-id") ?? null);
      return liveStream(socket, c.req.raw.signal, threadEventView);
    })
    .on(
      "get",
      "/threads/events/:thread_id",
      { ...listening, summary: "Live events of one thread", params: Id },
      async ({ c, ctx, params }) => {
        const socket = await listenToEvents(ctx, params.thread_id, c.req.header("last-event-id") ?? null);
        return liveStream(socket, c.req.raw.signal, threadEventView);
      },
    );
