import { uuidv7 } from "uuidv7";
import { openEmbedder } from "../agent/embedders.ts";
import { openModel } from "../agent/models.ts";
import type { LiveChat } from "../core/access.ts";
import type { Actor, AdminCtx, Ctx } from "../core/context.ts";
import { paidEmbedder } from "../core/billing/paid-embedder.ts";
import { microFrom } from "../core/billing/credits.ts";
import { openDb } from "../db/client.ts";
import { createSealer, type Sealer } from "../lib/seal.ts";
import { openChannel } from "./channel-port.ts";
import { filePort } from "./file-port.ts";
import { readConfig, type Config } from "./config.ts";
import type { Env } from "./env.ts";
import { openPayments } from "../payments/index.ts";
import { feedPort } from "./feed-port.ts";
import { jobPort } from "./job-port.ts";
import { openOutbound, outboundPolicy } from "./outbound.ts";
import { threadPort } from "./thread-port.ts";
import { openVectors } from "./vectors-port.ts";

type Given = {
  actor: Actor;
  defer: (work: Promise<unknown>) => void;
  chat?: LiveChat | null;
};

/** The one place where bindings become the `ctx` that the core works with. */
export function openContext(env: Env, project: { id: string }, given: Given): Ctx {
  const ctx: Ctx = {
    ...shared(env, given),
    project: { id: project.id },
    chat: given.chat ?? null,
    thread: (id) => threadPort(env.THREADS, project.id, id),
    feed: feedPort(env.FEEDS, project.id),
    channel: openChannel(readConfig(env)),
    files: filePort(env.FILES),
    embedder: (id) => paidEmbedder(ctx, id, openEmbedder(modelOptions(env, readConfig(env)), id)),
    vectors: openVectors(env, project.id),
    model: (id) => openModel(modelOptions(env, readConfig(env)), id),
  };
  return ctx;
}

export const openAdminContext = (env: Env, given: Given): AdminCtx => ({
  ...shared(env, given),
  project: null,
  feedOf: (projectId) => feedPort(env.FEEDS, projectId),
});

function shared(env: Env, { actor, defer }: Given) {
  const config = readConfig(env);
  const policy = outboundPolicy(config);
  return {
    actor,
    db: openDb(env.DB),
    sealer: sealerOf(config.ENCRYPTION_KEY),
    jobs: jobPort(env),
    outbound: openOutbound(policy),
    outboundPolicy: policy,
    webhookRetrySeconds: config.WEBHOOK_RETRY_SCHEDULE,
    defaultModel: config.DEFAULT_MODEL,
    billing: billingTerms(config),
    payments: openPayments(config),
    publicUrl: config.PUBLIC_URL ?? null,
    defaultEmbeddingModel: config.DEFAULT_EMBEDDING_MODEL,
    once: null,
    now: () => new Date(),
    newId: uuidv7,
    defer,
  };
}

const billingTerms = (config: Config) => ({
  prices: config.MODEL_PRICES,
  offers: config.BILLING_OFFERS,
  openingCredits: microFrom(config.DEFAULT_CREDITS),
  lowBalance: microFrom(config.BALANCE_LOW_THRESHOLD),
});

const modelOptions = (env: Env, config: Config) => ({
  openaiApiKey: config.OPENAI_API_KEY,
  openaiBaseUrl: config.OPENAI_BASE_URL,
  embeddedWordDelayMs: config.EMBEDDED_MODEL_DELAY_MS,
  workersAi: env.AI,
});

let opened: { keys: string; sealer: Sealer } | null = null;

/** Importing keys costs more than using them, so it is done once per isolate. */
function sealerOf(keys: string): Sealer {
  if (opened?.keys !== keys) opened = { keys, sealer: createSealer(keys) };
  return opened.sealer;
}
