import type { Budgets } from "./billing/budgets.ts";
import { DomainError } from "./errors.ts";
import type { JsonObject } from "../db/schema.ts";

export type ToolMode = "auto" | "user_approve" | "operator_approve";

/** How a bot uses what it may look up. */
export type KnowledgeSettings = {
  maxResults: number;
  /** Passages that answer less well than this are left out; from 0 to 1. */
  minScore: number;
  /** `inject`: searched before each answer; `tool`: when the model wants to. */
  strategy: "inject" | "tool";
  /** What is searched for: the last message, the last few, or one that the model makes of them. */
  query: "last" | "concatenate" | "rewrite";
  /** The model that puts more than is wanted in order, of which the best are taken; null: none. */
  rerank: string | null;
};

export const DEFAULT_KNOWLEDGE: KnowledgeSettings = {
  maxResults: 5,
  minScore: 0.2,
  strategy: "inject",
  query: "last",
  rerank: null,
};

/** How a bot remembers messages from before its window. */
export type Recall = {
  /** So many messages, with their neighbours. */
  topK: number;
  messageRange: { before: number; after: number };
  /** `resource`: all conversations of the person. */
  scope: "thread" | "resource";
  /** Null: that of new vector stores. */
  embeddingModel: string | null;
};

const DEFAULT_RECALL: Recall = {
  topK: 4,
  messageRange: { before: 1, after: 1 },
  scope: "thread",
  embeddingModel: null,
};

export type BotSettings = {
  instruction: string;
  model: {
    /** `provider/name`; the provider decides where the turn goes. */
    id: string;
    /** Tried in order when the model before fails without having said a word. */
    fallbacks: string[];
    temperature: number;
    maxTokens: number;
    topP: number;
    frequencyPenalty: number;
    presencePenalty: number;
  };
  memory: {
    lastMessages: number;
    /** True: with the default of each. */
    semanticRecall: boolean | Part<Recall>;
    workingMemory: { enabled: boolean };
    generateTitle: boolean;
  };
  formatting: { removeEmojis: boolean; removeMarkdown: boolean };
  /** An allow-list: a tool that is not named here is not offered to the model. */
  tools: Record<string, ToolMode>;
  /** What the bot does when a person leaves its answer unanswered for so long, and how often in a row; absent: nothing. */
  followUp?: { afterMinutes: number; task: string; times: number };
  knowledge: KnowledgeSettings;
  budgets: Budgets;
  /** The knowledge stores that are searched; absent: every store of the project. */
  vectorStoreIds?: string[];
};

/** Null: the bot remembers its window alone. */
export function recallOf({ memory: { semanticRecall } }: Pick<BotSettings, "memory">): Recall | null {
  if (semanticRecall === false) return null;
  return semanticRecall === true ? DEFAULT_RECALL : (merge(DEFAULT_RECALL, semanticRecall) as Recall);
}

/** Whether there is anything to look up: where a project has no stores, the list is empty. */
export const hasKnowledge = ({ vectorStoreIds }: BotSettings): boolean => vectorStoreIds?.length !== 0;

type Part<T> = T extends unknown[] ? T : T extends object ? { [K in keyof T]?: Part<T[K]> } : T;
/** What is null is taken back: the bot has its default again. */
export type BotSettingsPatch = Omit<
  Part<BotSettings>,
  "model" | "tools" | "followUp" | "vectorStoreIds" | "knowledge" | "budgets"
> & {
  model?: Partial<Omit<BotSettings["model"], "fallbacks">> & { fallbacks?: string[] | null };
  tools?: BotSettings["tools"];
  followUp?: BotSettings["followUp"] | null;
  vectorStoreIds?: string[] | null;
  knowledge?: Partial<KnowledgeSettings> | null;
  budgets?: { [K in keyof Budgets]?: Budgets[K] | null } | null;
};

export const defaultSettings = (modelId: string): BotSettings => ({
  instruction: "",
  model: {
    id: modelId,
    fallbacks: [],
    temperature: 1,
    maxTokens: 1024,
    topP: 1,
    frequencyPenalty: 0,
    presencePenalty: 0,
  },
  memory: { lastMessages: 10, semanticRecall: false, workingMemory: { enabled: false }, generateTitle: false },
  formatting: { removeEmojis: false, removeMarkdown: false },
  tools: {},
  knowledge: DEFAULT_KNOWLEDGE,
  budgets: {},
});

/** Objects are merged at every depth; lists and the map of tools are replaced whole; what is undefined stays. */
function mergeSettings(settings: BotSettings, patch: BotSettingsPatch): BotSettings {
  return { ...(merge(settings, patch) as BotSettings), tools: patch.tools ?? settings.tools };
}

function merge(base: JsonObject, patch: JsonObject): JsonObject {
  const merged = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    const before = Object.hasOwn(base, key) ? base[key] : undefined;
    merged[key] = isPlainObject(value) && isPlainObject(before) ? merge(before, value) : value;
  }
  return merged;
}

const isPlainObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What a stored row says, completed by the defaults, so that a setting added later has a value for older bots. */
export const storedSettings = (stored: JsonObject, modelId: string) => mergeSettings(defaultSettings(modelId), stored);

export type ModelId = { provider: string; name: string };

/** Splits `provider/name`; the name may hold further slashes. */
export function parseModelId(id: string): ModelId {
  const match = /^([a-z0-9-]+)\/(\S+)$/.exec(id);
  if (!match) throw new DomainError("invalid", `model id ${JSON.stringify(id)} is not provider/name`);
  return { provider: match[1]!, name: match[2]! };
}
