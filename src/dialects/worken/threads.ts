import * as z from "zod";
import {
  decideApproval,
  getThread,
  getWorkingMemory,
  listApprovals,
  listThreads,
  sendAsOperator,
} from "../../core/threads.ts";
import { getFile } from "../../core/files.ts";
import { fileResponse } from "../../http/file-response.ts";
import { createSchedule } from "../../core/schedules/schedules.ts";
import type { Api } from "../../http/route.ts";
import {
  Approval,
  ApprovalList,
  ApprovalQuery,
  DecideApproval,
  Message,
  SendMessage,
  ThreadDetail,
  ThreadId,
  ThreadList,
  ThreadQuery,
  WorkingMemory,
} from "./schemas.ts";
import { approvalView, laterMessageView, messageView, threadDetailView, threadView } from "./wire.ts";

const Id = z.object({ thread_id: ThreadId });
const FileId = Id.extend({ file_id: z.string().max(128) });
const ApprovalId = Id.extend({ approval_id: z.string() });

export const threads = (api: Api) =>
  api
    .on(
      "get",
      "/threads",
      {
        summary: "List threads",
        description: "Newest first. `search` looks at the newest 200 places where all its words were said.",
        query: ThreadQuery,
        ok: ThreadList,
      },
      async ({ ctx, query: { chat_id, bot_id, ...query } }) => {
        const page = await listThreads(ctx, { ...query, chatId: chat_id, botId: bot_id });
        return { data: page.items.map(threadView), next_cursor: page.next };
      },
    )
    .on(
      "get",
      "/threads/:thread_id",
      { summary: "Get a thread", params: Id, ok: ThreadDetail },
      async ({ ctx, params }) => threadDetailView(await getThread(ctx, params.thread_id)),
    )
    .on(
      "post",
      "/threads/:thread_id/send",
      {
        summary: "Send an operator's message",
        description:
          "The thread must be in `manual` mode. With `scheduledAt` it is sent at that time, whatever the mode is then, unless the thread is blocked; until then it is a schedule.",
        params: Id,
        json: SendMessage,
        ok: Message,
        once: "thread",
      },
      async ({ ctx, params, json }) => {
        const { text, scheduledAt, cancel_if_reply: cancelIfReply = false } = json;
        const at = scheduledAt === undefined ? null : new Date(scheduledAt);
        if (!at || at <= ctx.now()) return messageView(await sendAsOperator(ctx, params.thread_id, text));
        const plan = { kind: "send", text, when: { at }, cancelIfReply, createdBy: "operator" } as const;
        return laterMessageView(await createSchedule(ctx, params.thread_id, plan));
      },
    )
    .on(
      "get",
      "/threads/:thread_id/files/:file_id",
      { summary: "Download a file that came with a message", params: FileId, ok: z.unknown() },
      async ({ ctx, params }) => fileResponse(await getFile(ctx, params.thread_id, params.file_id)),
    )
    .on(
      "get",
      "/threads/:thread_id/memory",
      { summary: "Get a thread's working memory", params: Id, ok: WorkingMemory },
      async ({ ctx, params }) => ({ content: await getWorkingMemory(ctx, params.thread_id) }),
    )
    .on(
      "get",
      "/threads/:thread_id/approvals",
      {
        summary: "List the tool calls that need, or needed, approval",
        params: Id,
        query: ApprovalQuery,
        ok: ApprovalList,
      },
      async ({ ctx, params, query }) => {
        const page = await listApprovals(ctx, params.thread_id, query);
        return { data: page.items.map(approvalView), next_cursor: page.next };
      },
    )
    .on(
      "post",
      "/threads/:thread_id/approvals/:approval_id",
      {
        summary: "Approve or reject a tool call",
        description: "Once all tool calls of an answer are decided, the answer goes on in the background.",
        params: ApprovalId,
        json: DecideApproval,
        ok: Approval,
      },
      async ({ ctx, params, json }) => {
        const { approved, reason = null } = json;
        const decision = { approvalId: params.approval_id, approved, reason, by: "operator" as const };
        return approvalView(await decideApproval(ctx, params.thread_id, decision));
      },
    );
