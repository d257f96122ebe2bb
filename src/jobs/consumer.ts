import { ChannelFailure } from "../core/channels/channels.ts";
import type { Job } from "../core/ports.ts";
import { openContext } from "../runtime/context.ts";
import type { Env } from "../runtime/env.ts";
import { runJob } from "./index.ts";

const DEAD_LETTERS = "parley-jobs-dead";

/** Each message stands for itself: one that fails is tried again and holds up no other. */
export async function consume(batch: MessageBatch<Job>, env: Env, execution: ExecutionContext): Promise<void> {
  await Promise.all(batch.messages.map((message) => handle(batch.queue, message, env, execution)));
}

async function handle(queue: string, message: Message<Job>, env: Env, execution: ExecutionContext): Promise<void> {
  const job = message.body;
  if (queue === DEAD_LETTERS) {
    // The row that the message rang for is still there: the sweep rings again.
    console.error("job given up", JSON.stringify(job));
    return message.ack();
  }
  const defer = (work: Promise<unknown>) => execution.waitUntil(work);
  const ctx = openContext(env, { id: job.projectId }, { actor: { type: "system", job: job.kind }, defer });
  try {
    await runJob(ctx, job);
    message.ack();
  } catch (error) {
    // Where it comes from says nothing about a vendor that cannot be reached.
    console.error("job failed", job.kind, error instanceof ChannelFailure ? error.message : error);
    message.retry({ delaySeconds: Math.min(2 ** message.attempts, 300) });
  }
}
