import type * as z from "zod";
import type { ApiKey } from "../../core/api-keys.ts";
import type { Approval } from "../../core/approvals.ts";
import {
  DEFAULT_KNOWLEDGE,
  recallOf,
  type BotSettings,
  type BotSettingsPatch,
  type KnowledgeSettings,
} from "../../core/bot-settings.ts";
import type { Account, Transaction } from "../../core/billing.ts";
import type { Bot } from "../../core/bots.ts";
import type { Chat } from "../../core/chats.ts";
import type { Conversation } from "../../core/conversations.ts";
import type { Profile } from "../../core/channels.ts";
import type { Budget, Budgets } from "../../core/budgets.ts";
import { creditsOf, microFrom } from "../../core/credits.ts";
import type { Integration } from "../../core/integrations.ts";
import type { Invoice } from "../../core/invoices.ts";
import type { LiveEvent } from "../../core/live-events.ts";
import { WORKING_MEMORY_TOOL, type Message, type MessagePart } from "../../core/messages.ts";
import type { Offer } from "../../core/offers.ts";
import type { Person } from "../../core/people.ts";
import type { Project } from "../../core/projects.ts";
import type { Schedule, ScheduleRun } from "../../core/schedule-state.ts";
import type { ThreadSchedule } from "../../core/schedules.ts";
import type { RecordedCall, UsageRequest, UsageSum } from "../../core/usage.ts";
import type { ThreadState } from "../../core/thread-state.ts";
import type { Thread } from "../../core/threads.ts";
import { messageData } from "../../core/webhook-events.ts";
import type { ListedDelivery, WebhookDelivery } from "../../core/webhook-deliveries.ts";
import type { WebhookEndpoint } from "../../core/webhook-endpoints.ts";
import type { WebhookAttempt } from "../../core/webhook-outcomes.ts";
import { fileCountsView } from "./knowledge-wire.ts";
import type * as schemas from "./schemas.ts";

type Wire<K extends keyof typeof schemas> = (typeof schemas)[K] extends z.ZodType
  ? z.input<(typeof schemas)[K]>
  : never;

const time = (at: Date | number) => new Date(at).toISOString();
const timeOrNull = (at: Date | number | null) => (at === null ? null : time(at));

export const projectView = (project: Project): Wire<"Project"> => ({
  id: project.id,
  name: project.name,
  organization_id: project.organizationId,
  avatar_url: project.avatarUrl,
  created_at: time(project.createdAt),
});

export const apiKeyView = (key: ApiKey): Wire<"ApiKey"> => ({
  id: key.id,
  name: key.name,
  last_used_at: timeOrNull(key.lastUsedAt),
  created_at: time(key.createdAt),
});

export const createdApiKeyView = (key: ApiKey & { key: string }): Wire<"CreatedApiKey"> => ({
  id: key.id,
  name: key.name,
  key: key.key,
  created_at: time(key.createdAt),
});

export const balanceView = ({ credits, bonus }: Account): Wire<"Balance"> => ({
  credits: creditsOf(credits),
  bonus: creditsOf(bonus),
});

export const accountView = (account: Account): Wire<"BillingAccount"> => ({
  tariff: account.tariff,
  ...balanceView(account),
  subscription_until: timeOrNull(account.subscriptionUntil),
});

export const transactionView = (transaction: Transaction): Wire<"Transaction"> => ({
  id: transaction.id,
  type: transaction.type,
  amount: creditsOf(transaction.credits + transaction.bonus),
  description: transaction.description,
  created_at: time(transaction.createdAt),
});

export const usageView = (group: UsageRequest["group"], { key, ...sum }: UsageSum): Wire<"Usage">["data"][number] => ({
  ...(group === "day" ? { day: key } : group === "bot" ? { bot_id: key || null } : { person_id: key }),
  calls: sum.calls,
  input_tokens: sum.inputTokens,
  output_tokens: sum.outputTokens,
  cost: creditsOf(sum.cost),
});

export const modelCallView = (call: RecordedCall): Wire<"ModelCall"> => ({
  id: call.id,
  purpose: call.purpose,
  model: call.model,
  thread_id: call.threadId,
  message_id: call.messageId,
  bot_id: call.botId,
  person_id: call.personId,
  input_tokens: call.inputTokens,
  output_tokens: call.outputTokens,
  is_estimate: call.isEstimate,
  cost: creditsOf(call.cost),
  created_at: time(call.createdAt),
});

export const offerView = (offer: Offer): Wire<"BillingOffer"> => ({
  id: offer.id,
  name: offer.name,
  price: offer.price / 100,
  credits: creditsOf(offer.credits),
  description: offer.description,
});

export const invoiceView = (invoice: Invoice): Wire<"Invoice"> => ({
  id: invoice.id,
  status: invoice.status,
  amount: invoice.amount / 100,
  currency: invoice.currency,
  credits: creditsOf(invoice.credits),
  payment_url: invoice.paymentUrl,
  created_at: time(invoice.createdAt),
  paid_at: timeOrNull(invoice.paidAt),
});

export const botView = (bot: Bot): Wire<"Bot"> => ({
  id: bot.id,
  name: bot.name,
  description: bot.description,
  status: bot.status,
  project_id: bot.projectId,
  created_at: time(bot.createdAt),
  updated_at: time(bot.updatedAt),
});

/** What the documentation does not name is shown only where it is set. */
export const botSettingsView = ({
  model,
  vectorStoreIds,
  followUp,
  knowledge,
  budgets,
  ...settings
}: BotSettings): Wire<"BotSettings"> => ({
  ai: {
    instruction: settings.instruction,
    model: {
      id: model.id,
      temperature: model.temperature,
      max_tokens: model.maxTokens,
      top_p: model.topP,
      frequency_penalty: model.frequencyPenalty,
      presence_penalty: model.presencePenalty,
      ...(model.fallbacks.length > 0 ? { fallbacks: model.fallbacks } : {}),
    },
    memory: { ...settings.memory, semanticRecall: recallView(settings.memory) },
    formatting: settings.formatting,
    tools: settings.tools,
    ...(followUp ? { follow_up: followUpView(followUp) } : {}),
    ...(vectorStoreIds ? { vector_store_ids: vectorStoreIds } : {}),
    ...(isDefaultKnowledge(knowledge) ? {} : { knowledge: knowledgeView(knowledge) }),
    ...(Object.keys(budgets).length > 0 ? { budgets: budgetsView(budgets) } : {}),
  },
});

/** As it was set, completed by the defaults where it was not a mere yes or no. */
function recallView(memory: BotSettings["memory"]) {
  const { semanticRecall } = memory;
  if (typeof semanticRecall === "boolean") return semanticRecall;
  const { embeddingModel, ...recall } = recallOf({ memory })!;
  return { ...recall, ...(embeddingModel === null ? {} : { embeddingModel }) };
}

const followUpView = ({ afterMinutes, task, times }: NonNullable<BotSettings["followUp"]>) => ({
  after_minutes: afterMinutes,
  task,
  times,
});
const budgetsView = (budgets: Budgets) =>
  Object.fromEntries(Object.entries(budgets).map(([of, budget]) => [of, inCredits(budget)]));

const inCredits = ({ credits, period }: Budget) => ({ credits: creditsOf(credits), period });
const inMicro = (budget: Budget | null | undefined) => budget && { ...budget, credits: microFrom(budget.credits) };

const isDefaultKnowledge = (knowledge: KnowledgeSettings) =>
  JSON.stringify(knowledgeView(knowledge)) === JSON.stringify(knowledgeView(DEFAULT_KNOWLEDGE));

const knowledgeView = ({ maxResults, minScore, strategy, query }: KnowledgeSettings) => ({
  max_results: maxResults,
  min_score: minScore,
  strategy,
  query,
});

export function botSettingsFrom({ ai }: z.output<typeof schemas.UpdateBotSettings>): BotSettingsPatch {
  const { model } = ai;
  return {
    instruction: ai.instruction,
    model: model && {
      id: model.id,
      fallbacks: model.fallbacks,
      temperature: model.temperature,
      maxTokens: model.max_tokens,
      topP: model.top_p,
      frequencyPenalty: model.frequency_penalty,
      presencePenalty: model.presence_penalty,
    },
    memory: ai.memory,
    formatting: ai.formatting,
    tools: ai.tools,
    followUp: ai.follow_up && {
      afterMinutes: ai.follow_up.after_minutes,
      task: ai.follow_up.task,
      times: ai.follow_up.times,
    },
    vectorStoreIds: ai.vector_store_ids,
    knowledge: ai.knowledge && {
      maxResults: ai.knowledge.max_results,
      minScore: ai.knowledge.min_score,
      strategy: ai.knowledge.strategy,
      query: ai.knowledge.query,
    },
    ...(ai.budgets ? { budgets: { bot: inMicro(ai.budgets.bot), person: inMicro(ai.budgets.person) } } : {}),
  };
}

export const integrationView = (integration: Integration): Wire<"Integration"> => ({
  id: integration.id,
  name: integration.name,
  vendor: integration.vendor,
  status: integration.status,
  project_id: integration.projectId,
  created_at: time(integration.createdAt),
  updated_at: time(integration.updatedAt),
  ...(integration.error === null ? {} : { error: integration.error }),
});

export const profileView = ({ id, name, username, avatarUrl }: Profile): Wire<"IntegrationProfile"> => ({
  id,
  name,
  ...(username === undefined ? {} : { username }),
  ...(avatarUrl === undefined ? {} : { avatar_url: avatarUrl }),
});

export const chatView = (chat: Chat): Wire<"Chat"> => ({
  id: chat.id,
  name: chat.name,
  bot_id: chat.botId,
  integration_id: chat.integrationId,
  status: chat.status,
  project_id: chat.projectId,
  created_at: time(chat.createdAt),
  updated_at: time(chat.updatedAt),
  events_24h: chat.events24h,
  ...(chat.error === null ? {} : { error: chat.error }),
});

export const threadView = (thread: Thread | ThreadState): Wire<"Thread"> => ({
  id: thread.id,
  chat_id: thread.chatId,
  bot_id: thread.botId,
  mode: thread.mode,
  title: thread.title,
  last_message_at: timeOrNull(thread.lastMessageAt),
  pending_count: thread.pendingCount,
  created_at: time(thread.createdAt),
});

export const threadDetailView = (
  thread: ThreadState & { person: Person | null; conversation: Conversation | null },
): Wire<"ThreadDetail"> => ({
  ...threadView(thread),
  person: thread.person && {
    id: thread.person.id,
    name: thread.person.name,
    avatar_url: thread.person.avatarUrl,
    external_id: thread.person.externalId,
  },
  stats: {
    messages_total: thread.stats.total,
    user_messages: thread.stats.user,
    bot_messages: thread.stats.bot,
  },
  ...(thread.conversation ? { channel: conversationView(thread.conversation) } : {}),
});

const conversationView = ({ integrationId, chatKey, reachable, canReplyUntil }: Conversation) => ({
  integration_id: integrationId,
  external_id: chatKey,
  reachable,
  can_reply_until: timeOrNull(canReplyUntil),
});

/** A message and, before it, a row for each tool that was used to write it. */
export const messageViews = (message: Message): Wire<"Message">[] => [
  ...message.parts.flatMap((part) => toolView(message, part)),
  messageView(message),
];

/** A receiver of webhooks sees a message as it is listed here. */
export const messageView: (message: Message) => Wire<"Message"> = messageData;

/** An operator's message before its time, in the shape that it will have then. */
export const laterMessageView = (schedule: Schedule): Wire<"Message"> => ({
  id: schedule.messageId!,
  role: "assistant",
  content: schedule.text,
  created_at: time(schedule.createdAt),
  status: "pending",
  metadata: { author: "operator" },
  scheduled_at: time(schedule.dueAt),
  schedule_id: schedule.id,
});

export const scheduleView = (schedule: ThreadSchedule): Wire<"Schedule"> => ({
  id: schedule.id,
  thread_id: schedule.threadId,
  kind: schedule.kind,
  status: schedule.status,
  text: schedule.text,
  scheduled_at: time(schedule.dueAt),
  message_id: schedule.messageId,
  cancel_if_reply: schedule.cancelIfReply,
  created_by: schedule.createdBy,
  cron: schedule.recurrence?.cron ?? null,
  time_zone: schedule.recurrence?.timeZone ?? null,
  max_executions: schedule.recurrence?.maxExecutions ?? null,
  missed: schedule.recurrence?.missed ?? null,
  executions: schedule.executions,
  last_run_at: timeOrNull(schedule.lastRunAt),
  reason: schedule.endReason,
  created_at: time(schedule.createdAt),
  updated_at: time(schedule.updatedAt),
});

export const scheduleRunView = (run: ScheduleRun): Wire<"ScheduleRun"> => ({
  scheduled_at: time(run.dueAt),
  ran_at: time(run.ranAt),
  outcome: run.outcome,
  reason: run.reason,
  message_id: run.messageId,
});

function toolView(message: Message, part: MessagePart): Wire<"Message">[] {
  if (part.type !== "tool-result" || part.toolName === WORKING_MEMORY_TOOL) return [];
  const call = message.parts.find((other) => other.type === "tool-call" && other.toolCallId === part.toolCallId);
  const args = call?.type === "tool-call" ? call.args : null;
  const content = JSON.stringify({ toolName: part.toolName, args, result: part.result });
  return [{ id: part.id, role: "tool", content, created_at: time(message.createdAt), status: "complete" }];
}

export const approvalView = (approval: Approval): Wire<"Approval"> => ({
  id: approval.id,
  tool_call_id: approval.toolCallId,
  tool_name: approval.toolName,
  args: approval.args,
  requested_from: approval.requestedFrom,
  status: approval.status,
  reason: approval.reason,
  created_at: time(approval.createdAt),
});

export function threadEventView(event: LiveEvent): Wire<"ThreadEvent"> {
  const thread_id = event.threadId;
  switch (event.type) {
    case "message-created":
      return {
        thread_id,
        type: "message_created",
        message_id: event.messageId,
        role: event.role,
        status: event.status,
      };
    case "message-updated":
      return { thread_id, type: "message_updated", message_id: event.messageId, status: event.status };
    case "delivery-changed":
      return {
        thread_id,
        type: "delivery_changed",
        message_id: event.messageId,
        status: event.status,
        ...(event.error === null ? {} : { error: event.error }),
      };
    case "integration-auth-lost":
      return { thread_id, type: "integration.auth_lost", integration_id: event.integrationId };
    case "pending-count":
      return { thread_id, type: "pending_count", pending_count: event.pendingCount };
    case "mode-changed":
      return { thread_id, type: "mode_changed", mode: event.mode };
    case "chat-status-changed":
      return {
        thread_id,
        type: "chat_status_changed",
        chat_id: event.chatId,
        status: event.status,
        ...(event.error === null ? {} : { error: event.error }),
      };
    case "title-changed":
      return { thread_id, type: "title_changed", title: event.title };
    case "approval-requested":
      return {
        thread_id,
        type: "approval_requested",
        approval_id: event.approvalId,
        tool_name: event.toolName,
        requested_from: event.requestedFrom,
      };
    case "approval-decided":
      return { thread_id, type: "approval_decided", approval_id: event.approvalId, status: event.status };
    case "document-settled":
      return {
        thread_id,
        type: event.error === null ? "vector_store.file.processed" : "vector_store.file.failed",
        vector_store_id: event.storeId,
        file_id: event.documentId,
        filename: event.filename,
        ...(event.error === null ? {} : { error: event.error }),
        file_counts: fileCountsView(event.counts),
      };
    case "balance-low":
      return { thread_id, type: "billing.balance.low", credits: event.credits, bonus: event.bonus };
    case "webhook-endpoint-disabled":
      return { thread_id, type: "webhook_endpoint_disabled", endpoint_id: event.endpointId, reason: event.reason };
    default:
      return { thread_id, schedule_id: event.scheduleId, ...scheduleEventView(event) };
  }
}

type ScheduleEvent = Extract<LiveEvent, { scheduleId: string }>;

function scheduleEventView(event: ScheduleEvent): Pick<Wire<"ThreadEvent">, "type"> & Partial<Wire<"ThreadEvent">> {
  switch (event.type) {
    case "schedule-created":
      return { type: "schedule_created", scheduled_at: time(event.dueAt) };
    case "schedule-updated":
      return { type: "schedule_updated", scheduled_at: time(event.dueAt), status: event.status };
    case "schedule-fired":
      return { type: "schedule_fired", scheduled_at: time(event.dueAt), message_id: event.messageId };
    case "schedule-skipped":
      return { type: "schedule_skipped", scheduled_at: time(event.dueAt), reason: event.reason ?? "missed" };
    case "schedule-cancelled":
      return { type: "schedule_cancelled", reason: event.reason };
  }
}

export const webhookEndpointView = (endpoint: WebhookEndpoint): Wire<"WebhookEndpoint"> => ({
  id: endpoint.id,
  url: endpoint.url,
  status: endpoint.status,
  created_at: time(endpoint.createdAt),
  ...(endpoint.disabledReason ? { disabled_reason: endpoint.disabledReason } : {}),
});

export const webhookDeliveryView = (delivery: ListedDelivery): Wire<"WebhookDelivery"> => ({
  event_id: delivery.eventId,
  event_type: delivery.type,
  status: delivery.status,
  attempts: delivery.attempts,
  next_attempt_at: delivery.status === "pending" ? time(delivery.dueAt) : null,
  created_at: time(delivery.createdAt),
});

export const webhookDeliveryDetailView = (delivery: WebhookDelivery): Wire<"WebhookDeliveryDetail"> => ({
  ...webhookDeliveryView(delivery),
  event: JSON.parse(delivery.body) as Wire<"WebhookEvent">,
});

export const webhookAttemptView = (attempt: WebhookAttempt): Wire<"WebhookAttempt"> => ({
  id: attempt.id,
  event_id: attempt.eventId,
  event_type: attempt.type,
  attempt: attempt.attempt,
  status: attempt.error === null ? "succeeded" : "failed",
  status_code: attempt.statusCode,
  error: attempt.error,
  response: attempt.answer,
  duration_ms: attempt.durationMs,
  created_at: time(attempt.createdAt),
});
