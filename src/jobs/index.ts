import type { Job } from "../core/ports.ts";
import { tellLowBalance } from "../core/billing/balance-alerts.ts";
import { eraseChat } from "../core/erasure.ts";
import { collectMessages } from "../core/channels/collecting.ts";
import { setUpChannel } from "../core/channels/channel-setup.ts";
import { sendMessages } from "../core/channels/delivery.ts";
import { renewAccess } from "../core/channels/oauth.ts";
import { receiveMessages } from "../core/channels/inbound.ts";
import { deliverWebhooks } from "../core/webhooks/webhook-queue.ts";
import { eraseFile } from "../core/knowledge/stored-files.ts";
import { rememberMessages } from "../core/recall/remember-messages.ts";
import { fireSchedule } from "../core/schedules/schedules.ts";
import type { Ctx } from "../core/context.ts";
import { eraseDocument, eraseStore } from "../knowledge/erase.ts";
import { indexDocument } from "../knowledge/index-document.ts";
import { rebuildStore } from "../knowledge/rebuild-store.ts";

/** What each kind of queue message is a bell for. To add a kind: its type in `core/ports.ts`, its line here. */
const jobs: { [K in Job["kind"]]: (ctx: Ctx, job: Job & { kind: K }) => Promise<void> } = {
  "receive-messages": (ctx, { integrationId, chatKey }) => receiveMessages(ctx, integrationId, chatKey),
  "send-messages": (ctx, { threadId }) => sendMessages(ctx, threadId),
  "renew-access": (ctx, { integrationId }) => renewAccess(ctx, integrationId),
  "collect-messages": (ctx, { integrationId }) => collectMessages(ctx, integrationId),
  "set-up-channel": (ctx, { integrationId }) => setUpChannel(ctx, integrationId),
  "tell-low-balance": (ctx) => tellLowBalance(ctx),
  "erase-chat": (ctx, { chatId }) => eraseChat(ctx, chatId),
  "deliver-webhooks": (ctx, { endpointId }) => deliverWebhooks(ctx, endpointId),
  "index-document": (ctx, { storeId, documentId }) => indexDocument(ctx, storeId, documentId),
  "erase-document": (ctx, { storeId, documentId }) => eraseDocument(ctx, storeId, documentId),
  "erase-store": (ctx, { storeId }) => eraseStore(ctx, storeId),
  "rebuild-store": (ctx, { storeId }) => rebuildStore(ctx, storeId),
  "erase-file": (ctx, { fileId }) => eraseFile(ctx, fileId),
  "remember-messages": (ctx, { threadId }) => rememberMessages(ctx, threadId),
  "fire-schedule": fireSchedule,
};

/** The table gives each kind its own job, which the compiler cannot follow through a union. */
export const runJob = (ctx: Ctx, job: Job) => (jobs[job.kind] as (ctx: Ctx, job: Job) => Promise<void>)(ctx, job);
