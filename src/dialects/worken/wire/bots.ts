import type * as z from "zod";
import {
  DEFAULT_KNOWLEDGE,
  recallOf,
  type BotSettings,
  type BotSettingsPatch,
  type KnowledgeSettings,
} from "../../../core/bot-settings.ts";
import type { Bot } from "../../../core/bots.ts";
import type { Budget, Budgets } from "../../../core/billing/budgets.ts";
import { creditsOf, microFrom } from "../../../core/billing/credits.ts";
import type * as schemas from "../schemas.ts";
import { type Wire, time } from "./parts.ts";

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

const knowledgeView = ({ maxResults, minScore, strategy, query, rerank }: KnowledgeSettings) => ({
  max_results: maxResults,
  min_score: minScore,
  strategy,
  query,
  ...(rerank === null ? {} : { rerank }),
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
      rerank: ai.knowledge.rerank,
    },
    budgets: ai.budgets && { bot: inMicro(ai.budgets.bot), person: inMicro(ai.budgets.person) },
  };
}
