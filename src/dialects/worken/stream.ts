import type { Context } from "hono";
import * as z from "zod";
import type { Decision } from "../../core/approvals.ts";
import type { Ctx } from "../../core/context.ts";
import { invalid } from "../../core/errors.ts";
import type { TurnStream } from "../../core/ports.ts";
import { postDecisions, postMessages, resumeTurn, type PostInput } from "../../core/threads.ts";
import type { Api } from "../../http/route.ts";
import type { App } from "../../http/tenant.ts";
import { TEXT_STREAM } from "../../http/text-stream.ts";
import { turnResponse, type TurnFormat } from "../../http/turn-response.ts";
import { UI_MESSAGE_STREAM } from "../../http/ui-stream.ts";
import { ThreadOfChat, threadOf } from "./chats.ts";
import { StreamBody, StreamEvent, StreamQuery, StreamUiMessages, ThreadId } from "./schemas.ts";

/** The turn events are in this API's shape already; it names these, and we add `error`. */
const WORKEN_STREAM: TurnFormat = {
  types: ["text-delta", "tool-call", "tool-result", "finish", "error"],
  headers: {},
};

const FORMATS = { ui: UI_MESSAGE_STREAM, text: TEXT_STREAM };
type Protocol = keyof typeof FORMATS | undefined;
type Body = z.output<typeof StreamBody>;
type UiBody = z.output<typeof StreamUiMessages>;

const Reconnect = ThreadOfChat.extend({ any: z.string() });
const ChatOnly = z.object({ chat_id: z.string() });
const UiThread = StreamUiMessages.extend({ id: ThreadId });

const resumption = {
  summary: "Follow the running answer",
  description: "From its beginning, or after the event that `Last-Event-ID` names. 204: nothing is running.",
  query: StreamQuery,
  ok: StreamEvent,
  streams: true,
} as const;

export const stream = (api: Api) =>
  api
    .on(
      "post",
      "/chats/:chat_id/threads/:thread_id/stream",
      {
        summary: "Send messages and stream the answer",
        description:
          "An unknown thread begins with its first message. Takes this API's own body, or that of the AI SDK's chat transport, which is answered with the UI message stream.",
        params: ThreadOfChat,
        query: StreamQuery,
        json: StreamBody,
        ok: StreamEvent,
        streams: true,
        once: "thread",
      },
      ({ ctx, params, query, json }) => answer(ctx, threadOf(params), json, query.protocol),
    )
    .on(
      "post",
      "/chats/:chat_id/threads",
      {
        summary: "The same, as the AI SDK's chat transport sends it",
        description: "`id` is the thread.",
        params: ChatOnly,
        query: StreamQuery,
        json: UiThread,
        ok: StreamEvent,
        streams: true,
        once: "thread",
      },
      ({ ctx, params, query, json }) => answer(ctx, { id: json.id, chatId: params.chat_id }, json, query.protocol),
    )
    .on(
      "get",
      "/chats/:chat_id/threads/:thread_id/stream",
      { ...resumption, params: ThreadOfChat },
      ({ c, ctx, params, query }) => resume(c, ctx, threadOf(params), query.protocol),
    )
    .on(
      "get",
      "/chats/:chat_id/threads/:thread_id/stream/:any/stream",
      { ...resumption, summary: "The same, where the AI SDK's chat transport looks for it", params: Reconnect },
      ({ c, ctx, params, query }) => resume(c, ctx, threadOf(params), query.protocol),
    );

type ThreadRef = { id: string; chatId: string };

async function answer(ctx: Ctx, thread: ThreadRef, body: Body, protocol: Protocol): Promise<Response> {
  const isUi = "parts" in body.messages[0]!;
  const format = protocol ? FORMATS[protocol] : isUi ? UI_MESSAGE_STREAM : WORKEN_STREAM;
  const decisions = isUi ? decisionsIn(body as UiBody) : [];
  const turn =
    decisions.length > 0
      ? await postDecisions(ctx, thread, decisions, format.types)
      : await postMessages(ctx, thread, inputFrom(body), format.types);
  return turnResponse(turn, thread.id, format);
}

async function resume(c: Context<App>, ctx: Ctx, thread: ThreadRef, protocol: Protocol): Promise<Response> {
  const asked = protocol ? FORMATS[protocol] : null;
  const turn = await resumeTurn(ctx, thread, c.req.header("last-event-id") ?? null, asked?.types ?? null);
  return turn ? turnResponse(turn, thread.id, asked ?? formatOf(turn)) : c.body(null, 204);
}

/** A reader who does not say how he reads gets the format in which the thread was written to: `useChat` cannot say it. */
const formatOf = ({ types }: TurnStream): TurnFormat =>
  [UI_MESSAGE_STREAM, TEXT_STREAM].find((format) => format.types.join() === types.join()) ?? WORKEN_STREAM;

function inputFrom({ messages, ...body }: Body): PostInput {
  const later =
    body.scheduledAt === undefined
      ? undefined
      : { at: new Date(body.scheduledAt), cancelIfReply: body.cancel_if_reply ?? false };
  const person = body.person && {
    externalId: body.person.external_id,
    name: body.person.name,
    avatarUrl: body.person.avatar_url,
  };
  if (!("parts" in messages[0]!)) {
    return { messages: (messages as { content: string }[]).map(({ content }) => ({ text: content })), person, later };
  }
  const ui = { messages, ...body } as UiBody;
  if (ui.trigger === "regenerate-message") {
    if (later) throw invalid("scheduledAt", "an answer cannot be made again later");
    return { messages: [], regenerate: true, anew: ui.messageId, person };
  }
  const newest = newestUiMessage(ui);
  const isChanged = newest.id !== undefined && newest.id === ui.messageId && !later;
  return { messages: [newest], person, later, anew: isChanged ? newest.id : undefined };
}

/** A UI client sends all it has; the history is ours, so only the newest message is taken, and only from a user. */
function newestUiMessage({ messages }: UiBody): { id?: string; text: string } {
  const last = messages.at(-1)!;
  const path = `messages.${messages.length - 1}`;
  if (last.role !== "user") throw invalid(`${path}.role`, "the newest message must be the user's");
  const file = last.parts.findIndex(({ type }) => type === "file");
  if (file >= 0) throw invalid(`${path}.parts.${file}`, "a bot cannot read files: only text may be sent");
  const text = last.parts.map((part) => (part.type === "text" ? part.text : undefined) ?? "").join("");
  if (text.trim() === "") throw invalid(`${path}.parts`, "there is no text in it");
  return ThreadId.safeParse(last.id).success ? { id: last.id!, text } : { text };
}

/** What a person decided about tool calls, as the AI SDK writes it into the assistant's message. */
function decisionsIn({ messages }: UiBody): Decision[] {
  const last = messages.at(-1)!;
  if (last.role !== "assistant") return [];
  return last.parts.flatMap((part) => {
    const response = part["state"] === "approval-responded" ? UiApproval.safeParse(part["approval"]) : null;
    if (!response?.success) return [];
    const { id, approved, reason = null } = response.data;
    return [{ approvalId: id, approved, reason, by: "user" as const }];
  });
}

const UiApproval = z.object({ id: z.string(), approved: z.boolean(), reason: z.string().max(2000).optional() });
