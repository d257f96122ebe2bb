import type { D1Migration } from "cloudflare:test";
import type { FeedObject } from "../../src/feed/feed-object.ts";
import type { Env as WorkerEnv } from "../../src/runtime/env.ts";
import type * as worker from "../../src/worker.ts";
import type { ThreadObject } from "../../src/thread/thread-object.ts";
import type { VectorObject } from "../../src/vectors/vector-object.ts";

declare global {
  namespace Cloudflare {
    interface Env extends Omit<WorkerEnv, "THREADS" | "FEEDS" | "VECTOR_STORES"> {
      THREADS: DurableObjectNamespace<ThreadObject>;
      FEEDS: DurableObjectNamespace<FeedObject>;
      VECTOR_STORES: DurableObjectNamespace<VectorObject>;
      TEST_MIGRATIONS: D1Migration[];
    }
    interface GlobalProps {
      mainModule: typeof worker;
    }
  }
}
