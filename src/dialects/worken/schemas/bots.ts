import * as z from "zod";
import { Name, Status, Time } from "./parts.ts";

export const Bot = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    status: Status,
    project_id: z.string(),
    created_at: Time,
    updated_at: Time,
  })
  .meta({ id: "Bot" });

export const CreateBot = z
  .object({ name: Name, description: z.string().max(5000).nullish() })
  .meta({ id: "CreateBot", example: { name: "Sales Bot" } });

export const UpdateBot = z
  .object({ name: Name.optional(), description: z.string().max(5000).nullable().optional() })
  .meta({ id: "UpdateBot" });

export const SetStatus = z.object({ status: Status }).meta({ id: "SetStatus" });

const ModelName = z
  .string()
  .max(200)
  .regex(/^[a-z0-9-]+\/\S+$/, "must be provider/name, for example openai/gpt-4o-mini");
const Penalty = z.number().min(-2).max(2);
const ToolMode = z.enum(["user_approve", "operator_approve", "auto"]);

const Model = z.object({
  id: ModelName,
  temperature: z.number().min(0).max(2),
  max_tokens: z.int().min(1).max(1_000_000),
  top_p: z.number().min(0).max(1),
  frequency_penalty: Penalty,
  presence_penalty: Penalty,
  /** Tried in order when the model before fails without having said a word. */
  fallbacks: z.array(ModelName).max(5).optional(),
});

const Range = z.int().min(0).max(10);
const Recall = z.object({
  topK: z.int().min(1).max(20),
  /** How many messages before and after each come with it. */
  messageRange: z.object({ before: Range, after: Range }),
  scope: z.enum(["thread", "resource"]).meta({ description: "`resource`: all conversations of the person" }),
  /** Absent: that of new vector stores. */
  embeddingModel: ModelName.optional(),
});
const RecallUpdate = Recall.extend({
  messageRange: z.union([
    Range.transform((each) => ({ before: each, after: each })),
    Recall.shape.messageRange.partial(),
  ]),
}).partial();

const Memory = z.object({
  lastMessages: z.int().min(0).max(200),
  /** True: with four messages of the thread, and one before and after each. */
  semanticRecall: z.union([z.boolean(), Recall]),
  workingMemory: z.object({ enabled: z.boolean() }),
  generateTitle: z.boolean(),
});

const Formatting = z.object({ removeEmojis: z.boolean(), removeMarkdown: z.boolean() });
const Tools = z
  .record(z.string().min(1).max(128), ToolMode)
  .refine((tools) => Object.keys(tools).length <= 200, "must be at most 200 tools");
/** What the bot does when a person leaves its answer unanswered; it is told then what to do. */
const FollowUp = z.object({
  after_minutes: z.int().min(1).max(527_040),
  task: z.string().trim().min(1).max(10_000),
  times: z.int().min(1).max(10).default(1).meta({ description: "How often in a row, until the person answers" }),
});
const Knowledge = z.object({
  max_results: z.int().min(1).max(20),
  min_score: z.number().min(0).max(1),
  strategy: z.enum(["inject", "tool"]),
  query: z.enum(["last", "concatenate", "rewrite"]),
  rerank: ModelName.nullable()
    .optional()
    .meta({ description: "The model that puts what is found in order before the best are taken; null: none" }),
});
const VectorStoreIds = z.array(z.string().max(128)).max(100);

const Budget = z.object({ credits: z.number().min(0).max(1_000_000_000), period: z.enum(["day", "month"]) });
const Budgets = z
  .object({ bot: Budget, person: Budget })
  .partial()
  .meta({ description: "What the bot may spend in all, and what each person may make it spend; periods are UTC." });

export const BotSettings = z
  .object({
    ai: z.object({
      instruction: z.string(),
      model: Model,
      memory: Memory,
      formatting: Formatting,
      tools: Tools,
      follow_up: FollowUp.optional(),
      vector_store_ids: VectorStoreIds.optional(),
      knowledge: Knowledge.optional(),
      budgets: Budgets.optional(),
    }),
  })
  .meta({ id: "BotSettings" });

/** `false` is how older clients turn the window of messages off. */
const LastMessages = z.union([z.int().min(0).max(200), z.literal(false).transform(() => 0)]);

export const UpdateBotSettings = z
  .object({
    ai: z
      .object({
        instruction: z.string().max(200_000),
        model: Model.extend({ fallbacks: Model.shape.fallbacks.nullable() }).partial(),
        memory: Memory.extend({
          lastMessages: LastMessages,
          semanticRecall: z.union([z.boolean(), RecallUpdate]),
          workingMemory: z.object({ enabled: z.boolean() }).partial(),
        }).partial(),
        formatting: Formatting.partial(),
        tools: Tools,
        follow_up: FollowUp.nullable(),
        vector_store_ids: VectorStoreIds.nullable(),
        knowledge: Knowledge.partial().nullable(),
        budgets: z.object({ bot: Budget.nullable(), person: Budget.nullable() }).partial().nullable(),
      })
      .partial()
      .default({}),
  })
  .meta({
    id: "UpdateBotSettings",
    example: {
      ai: {
        instruction: "You answer for a small bookshop. Be friendly and brief.",
        model: { id: "openai/gpt-4o-mini", temperature: 0.3 },
        memory: { lastMessages: 20, generateTitle: true },
        tools: { handoff_to_operator: "auto" },
      },
    },
  });
