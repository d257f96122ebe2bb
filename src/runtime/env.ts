import type { WorkersAi } from "../agent/models.ts";
import type { Job } from "../core/ports.ts";
import type { Config } from "./config.ts";

type Settings = { [K in keyof Config]?: string };

/** What Cloudflare binds, as `wrangler.toml` declares it, and the settings as the process environment gives them. */
export interface Env extends Settings {
  DB: D1Database;
  THREADS: DurableObjectNamespace;
  FEEDS: DurableObjectNamespace;
  FILES: R2Bucket;
  VECTOR_STORES: DurableObjectNamespace;
  JOBS: Queue<Job>;
  LONG_JOBS: Queue<Job>;
  ASSETS: Fetcher;
  PUBLIC_RATE_LIMIT: RateLimit;
  /** Only where embeddings are kept in Vectorize. */
  VECTORS?: Vectorize;
  /** Only where Workers AI is bound. */
  AI?: WorkersAi;
}
