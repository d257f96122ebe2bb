import type { Job, JobPort } from "../core/ports.ts";
import type { Env } from "./env.ts";

/** What may take long, and nobody waits for to the second: it has a queue of its own, and holds up nothing else. */
const LONG: ReadonlySet<Job["kind"]> = new Set([
  "index-document",
  "rebuild-store",
  "erase-document",
  "erase-store",
  "erase-file",
  "erase-chat",
  "remember-messages",
]);

export function jobPort({ JOBS, LONG_JOBS }: Pick<Env, "JOBS" | "LONG_JOBS">): JobPort {
  const [short, long] = [portOf(JOBS), portOf(LONG_JOBS)];
  return { ring: (job, delaySeconds) => (LONG.has(job.kind) ? long : short).ring(job, delaySeconds) };
}

/** What a queue takes in one call. */
const MOST_PER_SENDING = 100;

/** Bells that are rung in the same moment go to the queue together. One that cannot be rung is lost: what it is for is stored. */
function portOf(queue: Queue<Job>): JobPort {
  let waiting: MessageSendRequest<Job>[] = [];
  let sending: Promise<void> | null = null;
  const send = async () => {
    const bells = waiting;
    [waiting, sending] = [[], null];
    if (bells.length === 1) return void (await queue.send(bells[0]!.body, bells[0]));
    for (let sent = 0; sent < bells.length; sent += MOST_PER_SENDING) {
      await queue.sendBatch(bells.slice(sent, sent + MOST_PER_SENDING));
    }
  };
  return {
    ring(job, delaySeconds = 0) {
      waiting.push({ body: job, delaySeconds });
      sending ??= Promise.resolve()
        .then(send)
        .catch((error: unknown) => console.error("ring", error));
      return sending;
    },
  };
}
