import { and, desc, eq } from "drizzle-orm";
import { webhookAttempts } from "../../db/schema.ts";
import { signWebhook } from "../../lib/webhook-signature.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { afterCursor, pageByCreation, type Page, type PageRequest } from "../pages.ts";
import { getWebhookEndpoint, secretPlace, type WebhookEndpoint } from "./webhook-endpoints.ts";
import { settleAttempt, type Claimed, type WebhookAttempt } from "./webhook-outcomes.ts";

type Answer = { statusCode: number | null; error: string | null; text: string | null; retryAfterMs: number };

const TIMEOUT_MS = 15_000;
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1000;
const ANSWER_KEPT = 1000;

/** Makes one attempt and writes down what came of it. */
export async function attemptDelivery(ctx: Ctx, claimed: Claimed): Promise<WebhookAttempt> {
  const at = ctx.now();
  const answer = await send(ctx, claimed, at);
  const attempt: WebhookAttempt = {
    id: ctx.newId(),
    projectId: ctx.project.id,
    endpointId: claimed.endpoint.id,
    eventId: claimed.eventId,
    type: claimed.type,
    attempt: claimed.attempts,
    statusCode: answer.statusCode,
    error: answer.error,
    answer: answer.text,
    durationMs: ctx.now().getTime() - at.getTime(),
    createdAt: at,
  };
  await settleAttempt(ctx, claimed, attempt, answer.retryAfterMs);
  return attempt;
}

async function send(ctx: Ctx, { eventId, body, endpoint }: Claimed, at: Date): Promise<Answer> {
  try {
    const signatures = await signWebhook(await secretsOf(ctx, endpoint, at), { id: eventId, body, at });
    const answer = await ctx.outbound(endpoint.url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "Parley-Webhooks", ...signatures },
      body,
      redirects: 0,
      timeoutMs: TIMEOUT_MS,
      maxBytes: ANSWER_KEPT,
      cut: true,
    });
    const isGood = answer.status >= 200 && answer.status < 300;
    return {
      statusCode: answer.status,
      error: isGood ? null : `the receiver answered ${answer.status}`,
      text: new TextDecoder().decode(answer.body),
      retryAfterMs: isGood ? 0 : retryAfterMs(answer.headers.get("retry-after"), at),
    };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { statusCode: null, error: error.message, text: null, retryAfterMs: 0 };
  }
}

async function secretsOf(ctx: Ctx, endpoint: WebhookEndpoint, at: Date): Promise<string[]> {
  const { id, secret, previousSecret, previousSecretUntil } = endpoint;
  const isOldKnown = previousSecret && previousSecretUntil && previousSecretUntil > at;
  const sealed = isOldKnown ? [secret, previousSecret] : [secret];
  return Promise.all(sealed.map((text) => ctx.sealer.open(text, secretPlace(ctx, id))));
}

function retryAfterMs(header: string | null, now: Date): number {
  if (!header) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now.getTime();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), LONGEST_WAIT_MS) : 0;
}

/** Newest first. */
export async function listWebhookAttempts(
  ctx: Ctx,
  endpointId: string,
  page: PageRequest,
): Promise<Page<WebhookAttempt>> {
  const endpoint = await getWebhookEndpoint(ctx, endpointId);
  const rows = await ctx.db
    .select()
    .from(webhookAttempts)
    .where(and(eq(webhookAttempts.endpointId, endpoint.id), afterCursor(page.cursor, webhookAttempts, "newest first")))
    .orderBy(desc(webhookAttempts.createdAt), desc(webhookAttempts.id))
    .limit(page.limit + 1);
  return pageByCreation(rows, page.limit);
}
