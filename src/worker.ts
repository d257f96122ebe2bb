import { app } from "./app.ts";
import type { Job } from "./core/ports.ts";
import { consume } from "./jobs/consumer.ts";
import { sweep } from "./jobs/sweep.ts";
import type { Env } from "./runtime/env.ts";

export { FeedObject } from "./feed/feed-object.ts";
export { ThreadObject } from "./thread/thread-object.ts";
export { VectorObject } from "./vectors/vector-object.ts";

/** What Cloudflare calls. */
export default {
  fetch: app.fetch,
  queue: consume,
  scheduled: (_controller, env, execution) => sweep(env, execution),
} satisfies ExportedHandler<Env, Job>;
