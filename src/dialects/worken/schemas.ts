import * as z from "zod";

export * from "./knowledge-schemas.ts";

/** The shapes of the Worken API, as its documentation gives them and as our additions to it complete them. */

const Time = z.string().meta({ format: "date-time" });
/** Shown in browsers: no `javascript:`, no `data:`. */
const WebUrl = z.url({ protocol: /^https?$/, error: "must be an http or https URL" });
const Status = z.enum(["active", "disabled", "error"]);
const Name = z.string().trim().min(1).max(200);
export const Mode = z.enum(["auto", "manual", "operator", "blocked"]);

/** Bare lists are paged too: `limit` and `cursor`, and the next page in a `Link` header. */
export const ListQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(1000),
  cursor: z.string().max(500).optional(),
});

export const ErrorBody = z
  .object({
    error: z.string(),
    message: z.string(),
    statusCode: z.int(),
    issues: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    request_id: z.string(),
  })
  .meta({ id: "Error" });

// Projects and API keys

export const Project = z
  .object({
    id: z.string(),
    name: z.string(),
    organization_id: z.string(),
    avatar_url: z.string().nullable(),
    created_at: Time,
  })
  .meta({ id: "Project" });

export const CreateProject = z
  .object({ name: Name, organization_id: z.string().min(1).max(200), avatar_url: WebUrl.max(2000).nullish() })
  .meta({ id: "CreateProject" });

export const SetLimits = z
  .object({ requests_per_minute: z.int().min(1).max(1_000_000).nullable() })
  .meta({ id: "SetLimits" });

export const ProjectWithLimits = Project.extend({ requests_per_minute: z.int().nullable() }).meta({
  id: "ProjectWithLimits",
});

export const CreateApiKey = z.object({ name: Name }).meta({ id: "CreateApiKey" });

export const ApiKey = z
  .object({ id: z.string(), name: z.string(), last_used_at: Time.nullable(), created_at: Time })
  .meta({ id: "ApiKey" });

export const CreatedApiKey = z
  .object({ id: z.string(), name: z.string(), key: z.string(), created_at: Time })
  .meta({ id: "CreatedApiKey", description: "`key` is shown this once." });

// Bots

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
  .meta({ id: "CreateBot" });

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
        model: Model.partial(),
        memory: Memory.extend({
          lastMessages: LastMessages,
          semanticRecall: z.union([z.boolean(), RecallUpdate]),
          workingMemory: z.object({ enabled: z.boolean() }).partial(),
        }).partial(),
        formatting: Formatting.partial(),
        tools: Tools,
        follow_up: FollowUp.nullable(),
        vector_store_ids: VectorStoreIds,
        knowledge: Knowledge.partial(),
        budgets: z.object({ bot: Budget.nullable(), person: Budget.nullable() }).partial(),
      })
      .partial()
      .default({}),
  })
  .meta({ id: "UpdateBotSettings" });

// Integrations and chats

export const Vendor = z.enum([
  "telegram",
  "whatsapp",
  "vk",
  "ok",
  "max",
  "github",
  "google",
  "yandex",
  "amocrm",
  "bitrix",
  "avito",
  "sber",
  "worken",
]);

export const Integration = z
  .object({
    id: z.string(),
    name: z.string(),
    vendor: Vendor,
    status: Status,
    project_id: z.string(),
    created_at: Time,
    updated_at: Time,
    error: z.string().optional().meta({ description: "Why the vendor does not do what it is asked" }),
  })
  .meta({ id: "Integration" });

export const IntegrationProfile = z
  .object({ id: z.string(), name: z.string(), username: z.string().optional(), avatar_url: z.string().optional() })
  .meta({ id: "IntegrationProfile" });

export const OAuthStart = z.object({ url: z.url() }).meta({ id: "OAuthStart" });

const AuthData = z.record(z.string(), z.unknown());
const Settings = z.record(z.string(), z.unknown());

export const CreateIntegration = z
  .object({ name: Name, vendor: Vendor, auth_data: AuthData, settings: Settings.optional() })
  .meta({ id: "CreateIntegration" });

export const UpdateIntegration = z
  .object({
    name: Name.optional(),
    status: Status.optional(),
    auth_data: AuthData.optional(),
    settings: Settings.optional(),
  })
  .meta({ id: "UpdateIntegration" });

export const Chat = z
  .object({
    id: z.string(),
    name: z.string(),
    bot_id: z.string(),
    integration_id: z.string().nullable(),
    status: Status,
    project_id: z.string(),
    created_at: Time,
    updated_at: Time,
    events_24h: z.int(),
    error: z
      .string()
      .optional()
      .meta({ description: "what kept a messenger's bot from answering; `status` is `error`" }),
  })
  .meta({ id: "Chat" });

const ChatSettings = Settings.and(z.object({ debounce_ms: z.int().min(0).max(60_000).optional() }));

export const CreateChat = z
  .object({ bot_id: z.string().min(1).max(128), name: Name, settings: ChatSettings.optional() })
  .meta({ id: "CreateChat" });

export const UpdateChat = z
  .object({
    bot_id: z.string().min(1).max(128).optional(),
    name: Name.optional(),
    settings: ChatSettings.optional(),
  })
  .meta({ id: "UpdateChat" });

export const SetChatStatus = z.object({ status: z.enum(["active", "disabled"]) }).meta({ id: "SetChatStatus" });

// Threads

/** Ids that no path could name, or that another path has taken. */
const UNREACHABLE = new Set([".", "..", "events"]);

export const ThreadId = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,128}$/, "must be 1 to 128 letters, digits or any of . _ : -")
  .refine((id) => !UNREACHABLE.has(id), "cannot be the id of a thread");

export const Thread = z
  .object({
    id: z.string(),
    chat_id: z.string(),
    bot_id: z.string(),
    mode: Mode,
    title: z.string().nullable(),
    last_message_at: Time.nullable(),
    pending_count: z.int(),
    created_at: Time,
  })
  .meta({ id: "Thread" });

export const ThreadDetail = Thread.extend({
  person: z
    .object({
      id: z.string(),
      name: z.string().nullable(),
      avatar_url: z.string().nullable(),
      external_id: z.string().nullable(),
    })
    .nullable(),
  stats: z.object({ messages_total: z.int(), user_messages: z.int(), bot_messages: z.int() }),
  channel: z
    .object({
      integration_id: z.string(),
      external_id: z.string(),
      reachable: z.boolean(),
      can_reply_until: Time.nullable(),
    })
    .optional()
    .meta({ description: "The messenger's conversation, where the thread is one" }),
}).meta({ id: "ThreadDetail" });

export const ThreadQuery = z.object({
  chat_id: z.string().max(128).optional(),
  bot_id: z.string().max(128).optional(),
  search: z.string().max(1000).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(20),
  offset: z.coerce.number().int().min(0).max(10_000).default(0),
  cursor: z.string().max(500).optional(),
});

export const ThreadList = z
  .object({ data: z.array(Thread), next_cursor: z.string().nullable() })
  .meta({ id: "ThreadList" });

export const MessageFile = z
  .object({ id: z.string(), name: z.string(), media_type: z.string(), size_bytes: z.int() })
  .meta({ id: "MessageFile" });

/** A passage that an answer stands on, under the number by which the answer names it. */
const Citation = z
  .object({
    number: z.int(),
    vector_store_id: z.string(),
    file_id: z.string(),
    filename: z.string(),
    headings: z.array(z.string()),
    place: z.string().nullable(),
    text: z.string(),
    score: z.number(),
  })
  .meta({ id: "Citation" });

export const Message = z
  .object({
    id: z.string(),
    role: z.enum(["user", "assistant", "tool"]),
    content: z.string(),
    created_at: Time,
    status: z.enum(["pending", "streaming", "complete", "interrupted", "failed", "stopped"]),
    metadata: z.object({ author: z.literal("operator") }).optional(),
    usage: z.object({ model: z.string(), input_tokens: z.int(), output_tokens: z.int() }).optional(),
    error: z.string().optional(),
    delivery: z
      .object({ status: z.enum(["waiting", "sent", "failed", "cancelled"]), error: z.string().optional() })
      .optional()
      .meta({ description: "How far it has come on its way to the messenger" }),
    files: z.array(MessageFile).optional(),
    citations: z.array(Citation).optional(),
    /** Of a message that is sent later. */
    scheduled_at: Time.optional(),
    schedule_id: z.string().optional(),
  })
  .meta({ id: "Message" });

export const SetMode = z.object({ mode: Mode }).meta({ id: "SetMode" });

const ScheduledAt = z.iso.datetime({ offset: true, local: true, message: "must be an ISO 8601 time" });

/** When it is done, and whether a message of the person before that makes it void. */
const Later = { scheduledAt: ScheduledAt.optional(), cancel_if_reply: z.boolean().optional() };

const MessageText = z.string().trim().min(1).max(100_000);

export const SendMessage = z.object({ text: MessageText, ...Later }).meta({ id: "SendMessage" });

export const WorkingMemory = z.object({ content: z.string().nullable() }).meta({ id: "WorkingMemory" });

export const Approval = z
  .object({
    id: z.string(),
    tool_call_id: z.string(),
    tool_name: z.string(),
    args: z.unknown(),
    requested_from: z.enum(["user", "operator"]),
    status: z.enum(["pending", "approved", "rejected", "expired"]),
    reason: z.string().nullable(),
    created_at: Time,
  })
  .meta({ id: "Approval" });

export const ApprovalList = z
  .object({ data: z.array(Approval), next_cursor: z.string().nullable() })
  .meta({ id: "ApprovalList" });

export const ApprovalQuery = ListQuery.extend({ limit: z.coerce.number().int().min(1).max(1000).default(100) });

export const DecideApproval = z
  .object({ approved: z.boolean(), reason: z.string().max(2000).optional() })
  .meta({ id: "DecideApproval" });

// Schedules

const ScheduleStatus = z.enum(["pending", "paused", "completed", "cancelled"]);
const Missed = z.enum(["skip", "once"]);

export const Schedule = z
  .object({
    id: z.string(),
    thread_id: z.string(),
    kind: z.enum(["answer", "send", "task"]),
    status: ScheduleStatus,
    text: z.string(),
    /** The next time; where none comes any more, the last that was planned. */
    scheduled_at: Time,
    message_id: z.string().nullable(),
    cancel_if_reply: z.boolean(),
    created_by: z.enum(["person", "operator", "bot"]),
    cron: z.string().nullable(),
    time_zone: z.string().nullable(),
    max_executions: z.int().nullable(),
    missed: Missed.nullable(),
    executions: z.int(),
    last_run_at: Time.nullable(),
    /** Why it was cancelled, or why it recurs no more. */
    reason: z.string().nullable(),
    created_at: Time,
    updated_at: Time,
  })
  .meta({ id: "Schedule" });

export const ScheduleList = z
  .object({ data: z.array(Schedule), next_cursor: z.string().nullable() })
  .meta({ id: "ScheduleList" });

export const ScheduleQuery = z.object({
  status: z
    .enum(["open", "all", ...ScheduleStatus.options])
    .default("open")
    .meta({ description: "`open`: pending or paused" }),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(500).optional(),
});

const Cron = z.string().trim().min(1).max(200);
const TimeZone = z.string().min(1).max(100);
const MaxExecutions = z.int().min(1).max(1_000_000);

/** `text` is sent as an operator's message; `task` is what the bot is to do. Once at `scheduledAt`, or again and again by `cron`. */
export const CreateSchedule = z
  .object({
    text: MessageText.optional(),
    task: z.string().trim().min(1).max(10_000).optional(),
    ...Later,
    cron: Cron.optional(),
    time_zone: TimeZone.optional(),
    max_executions: MaxExecutions.nullish(),
    missed: Missed.optional(),
  })
  .refine(({ text, task }) => (text === undefined) !== (task === undefined), {
    path: ["text"],
    message: "either text or task is needed",
  })
  .refine(({ scheduledAt, cron }) => (scheduledAt === undefined) !== (cron === undefined), {
    path: ["scheduledAt"],
    message: "either scheduledAt or cron is needed",
  })
  .refine(
    ({ cron, ...others }) =>
      cron !== undefined || (others.time_zone ?? others.max_executions ?? others.missed) === undefined,
    {
      path: ["cron"],
      message: "is needed for what recurs",
    },
  )
  .meta({ id: "CreateSchedule" });

export const UpdateSchedule = z
  .object({
    text: MessageText.optional(),
    scheduledAt: ScheduledAt.optional(),
    cancel_if_reply: z.boolean().optional(),
    cron: Cron.optional(),
    time_zone: TimeZone.optional(),
    max_executions: MaxExecutions.nullable().optional(),
    missed: Missed.optional(),
    status: z.enum(["pending", "paused"]).optional(),
  })
  .meta({ id: "UpdateSchedule" });

export const ScheduleRun = z
  .object({
    scheduled_at: Time,
    ran_at: Time,
    outcome: z.enum(["fired", "skipped", "missed"]),
    reason: z.string().nullable(),
    message_id: z.string().nullable(),
  })
  .meta({ id: "ScheduleRun" });

export const RunQuery = ListQuery.extend({ limit: z.coerce.number().int().min(1).max(100).default(100) });

export const ScheduleRunList = z
  .object({ data: z.array(ScheduleRun), next_cursor: z.string().nullable() })
  .meta({ id: "ScheduleRunList" });

// Streaming

const Person = z.object({
  external_id: z.string().min(1).max(200),
  name: z.string().max(200).nullish(),
  avatar_url: WebUrl.max(2000).nullish(),
});

const SeedMessage = z.object({
  role: z.literal("user"),
  content: z
    .string()
    .min(1)
    .max(200_000)
    .refine((text) => text.trim() !== "", "must not be empty"),
});

/** What the documentation describes. */
export const StreamMessages = z
  .object({
    messages: z.array(SeedMessage).min(1).max(100),
    ...Later,
    person: Person.optional(),
  })
  .meta({ id: "StreamMessages" });

const UiPart = z.looseObject({ type: z.string(), text: z.string().optional() });
const UiMessage = z.looseObject({
  id: z.string().max(128).optional(),
  role: z.enum(["user", "assistant", "system"]),
  parts: z.array(UiPart).max(1000),
});

/** What the AI SDK's chat transport sends: the whole history, of which only the newest message is taken. */
export const StreamUiMessages = z
  .object({
    id: z.string().optional(),
    messages: z.array(UiMessage).min(1).max(1000),
    trigger: z.enum(["submit-message", "regenerate-message"]).optional(),
    messageId: z.string().optional(),
    ...Later,
    person: Person.optional(),
  })
  .meta({ id: "StreamUiMessages" });

export const StreamBody = z.union([StreamMessages, StreamUiMessages]);

export const StreamQuery = z.object({
  protocol: z
    .enum(["ui", "text"])
    .optional()
    .meta({ description: "`ui`: the AI SDK's UI message stream; `text`: the bare text" }),
});

export const StreamEvent = z
  .union([
    z.object({ type: z.literal("text-delta"), textDelta: z.string() }),
    z.object({ type: z.literal("tool-call"), toolCallId: z.string(), toolName: z.string(), args: z.unknown() }),
    z.object({ type: z.literal("tool-result"), toolCallId: z.string(), toolName: z.string(), result: z.unknown() }),
    z.object({
      type: z.literal("finish"),
      finishReason: z.enum(["stop", "tool-calls", "length"]),
      citations: z.array(Citation).optional(),
    }),
    z.object({ type: z.literal("error"), error: z.string() }),
  ])
  .meta({ id: "StreamEvent" });

export const Stopped = z.object({ stopped: z.boolean() }).meta({ id: "Stopped" });

// Live events

export const ThreadEvent = z
  .object({
    thread_id: z.string().nullable().meta({ description: "null: it concerns the project" }),
    type: z.enum([
      "pending_count",
      "mode_changed",
      "title_changed",
      "chat_status_changed",
      "message_created",
      "message_updated",
      "delivery_changed",
      "integration.auth_lost",
      "approval_requested",
      "approval_decided",
      "webhook_endpoint_disabled",
      "schedule_created",
      "schedule_updated",
      "schedule_fired",
      "schedule_skipped",
      "schedule_cancelled",
      "billing.balance.low",
      "vector_store.file.processed",
      "vector_store.file.failed",
    ]),
    pending_count: z.int().optional(),
    mode: Mode.optional(),
    title: z.string().optional(),
    message_id: z.string().optional(),
    role: z.enum(["user", "assistant"]).optional(),
    status: z.string().optional(),
    approval_id: z.string().optional(),
    tool_name: z.string().optional(),
    requested_from: z.enum(["user", "operator"]).optional(),
    integration_id: z.string().optional(),
    chat_id: z.string().optional(),
    error: z.string().optional(),
    endpoint_id: z.string().optional(),
    schedule_id: z.string().optional(),
    scheduled_at: Time.optional(),
    reason: z.string().optional(),
    credits: z.number().optional(),
    bonus: z.number().optional(),
    vector_store_id: z.string().optional(),
    file_id: z.string().optional(),
    filename: z.string().optional(),
    file_counts: z
      .object({
        in_progress: z.int(),
        completed: z.int(),
        failed: z.int(),
        cancelled: z.int(),
        total: z.int(),
      })
      .optional()
      .meta({ description: "How far the files of the vector store are" }),
  })
  .meta({ id: "ThreadEvent" });

export const CreateTicket = z.object({ thread_id: ThreadId.optional() }).meta({ id: "CreateTicket" });
export const Ticket = z.object({ ticket: z.string(), expires_at: Time }).meta({ id: "Ticket" });

// Billing

/** Amounts are in credits; what is smaller than a millionth is refused rather than rounded. */
const Amount = z
  .number()
  .positive()
  .max(1_000_000_000)
  .refine((credits) => Number(credits.toFixed(6)) === credits, "must have at most 6 decimals");

export const Balance = z.object({ credits: z.number(), bonus: z.number() }).meta({ id: "Balance" });

export const BillingAccount = z
  .object({ tariff: z.string(), credits: z.number(), bonus: z.number(), subscription_until: Time.nullable() })
  .meta({ id: "BillingAccount" });

const TransactionType = z.enum(["charge", "topup", "bonus", "refund"]);

export const Transaction = z
  .object({ id: z.string(), type: TransactionType, amount: z.number(), description: z.string(), created_at: Time })
  .meta({ id: "Transaction", description: "`amount` is negative where something was taken." });

export const TransactionQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(20),
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
});

export const TransactionList = z.object({ data: z.array(Transaction), total: z.int() }).meta({ id: "TransactionList" });

export const AdjustBalance = z
  .object({ type: TransactionType, amount: Amount, description: z.string().max(1000).default("") })
  .meta({ id: "AdjustBalance" });

const Day = z.iso.date().meta({ examples: ["2026-11-25"] });

export const UsageQuery = z.object({
  group: z.enum(["day", "bot", "person"]).default("day"),
  from: Day.default("0000-01-01"),
  to: Day.default("9999-12-31"),
  bot_id: z.string().max(128).optional(),
  person_id: z.string().max(128).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(500).optional(),
});

const Used = z.object({ calls: z.int(), input_tokens: z.int(), output_tokens: z.int(), cost: z.number() });

export const Usage = z
  .object({
    data: z.array(
      Used.extend({
        day: z.string().optional(),
        bot_id: z.string().nullable().optional().meta({ description: "null: of no bot, as what documents need" }),
        person_id: z.string().optional(),
      }),
    ),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: "Usage" });

export const ModelCallQuery = z.object({
  message_id: z.string().max(128).optional(),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(500).optional(),
});

export const ModelCall = z
  .object({
    id: z.string(),
    purpose: z.enum(["answer", "title", "embedding"]),
    model: z.string(),
    thread_id: z.string().nullable(),
    message_id: z.string().nullable(),
    bot_id: z.string().nullable(),
    person_id: z.string().nullable(),
    input_tokens: z.int(),
    output_tokens: z.int(),
    is_estimate: z.boolean(),
    cost: z.number(),
    created_at: Time,
  })
  .meta({ id: "ModelCall", description: "`is_estimate`: the model did not say what it used." });

export const ModelCallList = z
  .object({ data: z.array(ModelCall), next_cursor: z.string().nullable() })
  .meta({ id: "ModelCallList" });

export const BillingOffer = z
  .object({ id: z.string(), name: z.string(), price: z.number(), credits: z.number(), description: z.string() })
  .meta({ id: "BillingOffer" });

export const Invoice = z
  .object({
    id: z.string(),
    status: z.enum(["pending", "paid", "cancelled"]),
    amount: z.number(),
    currency: z.string(),
    credits: z.number(),
    payment_url: z.string().nullable(),
    created_at: Time,
    paid_at: Time.nullable(),
  })
  .meta({ id: "Invoice", description: "`amount` is to be paid, in the currency; `credits` is what it brings." });

export const CreateInvoice = z
  .object({
    offer_id: z
      .string()
      .min(1)
      .max(100)
      .meta({ examples: ["topup-100k"] }),
    credits: Amount.optional(),
  })
  .meta({ id: "CreateInvoice", description: "`credits`: another amount than the offer's, at its rate." });

export const CreatedInvoice = z.object({ invoice: Invoice, payment_url: z.string() }).meta({ id: "CreatedInvoice" });

export const PayInvoice = z.object({ project_id: z.string().min(1).max(128) }).meta({ id: "PayInvoice" });

export const Adjusted = Balance.extend({ transaction: Transaction }).meta({ id: "Adjusted" });

// Webhooks

const Secret = z.string().min(1).max(1000);
const WebhookUrl = z.string().max(2000);
const EndpointStatus = z.enum(["active", "disabled"]);

export const WebhookEndpoint = z
  .object({
    id: z.string(),
    url: z.string(),
    status: EndpointStatus,
    created_at: Time,
    disabled_reason: z.enum(["failing", "gone"]).optional(),
  })
  .meta({ id: "WebhookEndpoint" });

export const CreateWebhookEndpoint = z
  .object({ url: WebhookUrl, secret: Secret })
  .meta({ id: "CreateWebhookEndpoint" });

export const UpdateWebhookEndpoint = z
  .object({ url: WebhookUrl.optional(), status: EndpointStatus.optional(), secret: Secret.optional() })
  .meta({ id: "UpdateWebhookEndpoint" });

export const WebhookEvent = z
  .object({ id: z.string(), type: z.string(), created_at: Time, data: z.record(z.string(), z.unknown()) })
  .meta({ id: "WebhookEvent" });

const DeliveryStatus = z.enum(["pending", "sending", "delivered", "failed", "dropped"]);

export const WebhookDelivery = z
  .object({
    event_id: z.string(),
    event_type: z.string(),
    status: DeliveryStatus,
    attempts: z.int(),
    next_attempt_at: Time.nullable(),
    created_at: Time,
  })
  .meta({ id: "WebhookDelivery" });

export const WebhookDeliveryDetail = WebhookDelivery.extend({ event: WebhookEvent }).meta({
  id: "WebhookDeliveryDetail",
});

export const WebhookAttempt = z
  .object({
    id: z.string(),
    event_id: z.string(),
    event_type: z.string(),
    attempt: z.int(),
    status: z.enum(["succeeded", "failed"]),
    status_code: z.int().nullable(),
    error: z.string().nullable(),
    response: z.string().nullable(),
    duration_ms: z.int(),
    created_at: Time,
  })
  .meta({ id: "WebhookAttempt" });

const WebhookQuery = ListQuery.extend({ limit: z.coerce.number().int().min(1).max(1000).default(100) });
export const WebhookAttemptQuery = WebhookQuery;
export const WebhookDeliveryQuery = WebhookQuery.extend({ status: DeliveryStatus.optional() });

export const Deleted = z.object({ id: z.string(), deleted: z.literal(true) }).meta({ id: "Deleted" });
