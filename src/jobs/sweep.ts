import { sweepLowBalances } from "../core/billing/balance-alerts.ts";
import { sweepSends } from "../core/channels/channel-sends.ts";
import { sweepSetUps } from "../core/channels/channel-setup.ts";
import { sweepCollections } from "../core/channels/collecting.ts";
import { sweepAccess } from "../core/channels/oauth.ts";
import { sweepInbound } from "../core/channels/inbound.ts";
import { sweepDeletedChats } from "../core/erasure.ts";
import { sweepKnowledge } from "../core/knowledge/document-queue.ts";
import { sweepRebuilds } from "../core/knowledge/store-rebuild.ts";
import { sweepRecall } from "../core/recall/recall-queue.ts";
import { forgetOldAnswers } from "../core/idempotency.ts";
import { forgetOldWebhooks, sweepWebhooks } from "../core/webhooks/webhook-queue.ts";
import { sweepSchedules } from "../core/schedules/schedule-sweep.ts";
import { openAdminContext } from "../runtime/context.ts";
import type { Env } from "../runtime/env.ts";

/** Runs every minute: rings again for work whose bell may have been lost, and forgets what has aged. What fails holds up nothing else. */
export async function sweep(env: Env, execution: ExecutionContext): Promise<void> {
  const defer = (work: Promise<unknown>) => execution.waitUntil(work);
  const { db, jobs, now } = openAdminContext(env, { actor: { type: "system", job: "sweep" }, defer });
  const done = await Promise.allSettled([
    sweepDeletedChats(db, jobs, now()),
    forgetOldAnswers({ db, now }),
    sweepInbound(db, jobs, now()),
    sweepSends(db, jobs, now()),
    sweepSetUps(db, jobs, now()),
    sweepAccess(db, jobs, now()),
    sweepCollections(db, jobs),
    sweepWebhooks(db, jobs, now()),
    forgetOldWebhooks({ db, now }),
    sweepLowBalances(db, jobs),
    sweepKnowledge(db, jobs, now()),
    sweepRecall(db, jobs, now()),
    sweepSchedules(db, jobs, now()),
    sweepRebuilds(db, jobs, now()),
  ]);
  for (const sweeping of done) if (sweeping.status === "rejected") console.error("sweep", sweeping.reason);
}
