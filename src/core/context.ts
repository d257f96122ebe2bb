import type { Db } from "../db/client.ts";
import type { Outbound } from "../lib/outbound.ts";
import type { OutboundPolicy } from "../lib/outbound-policy.ts";
import type { Sealer } from "../lib/seal.ts";
import type { LiveChat } from "./access.ts";
import type { PriceTable } from "./billing/prices.ts";
import type { Offer } from "./billing/offers.ts";
import type {
  FeedPort,
  FilePort,
  JobPort,
  OnceKey,
  OpenChannel,
  OpenEmbedder,
  OpenModel,
  OpenVectors,
  PaymentPort,
  ThreadPort,
} from "./ports.ts";

export type Actor = { type: "key"; keyId: string } | { type: "root" } | { type: "system"; job: string };

/** A POST that carried an Idempotency-Key, see `idempotency.ts`. */
export type Once = OnceKey & { show: (entity: unknown) => unknown };

/** What things cost and where balances stand, in micro-credits. */
type BillingTerms = { prices: PriceTable; offers: Offer[]; openingCredits: number; lowBalance: number };

type Shared = {
  actor: Actor;
  db: Db;
  sealer: Sealer;
  jobs: JobPort;
  /** The one way to an address that a tenant chose. Throws `invalid` where it is forbidden, `upstream_failed` where it fails. */
  outbound: Outbound;
  outboundPolicy: OutboundPolicy;
  /** How long to wait after each failed attempt at a webhook; where the list ends, it is given up. */
  webhookRetrySeconds: readonly number[];
  defaultModel: string;
  billing: BillingTerms;
  payments: PaymentPort;
  /** Where we are reached from outside; null: nobody said. */
  publicUrl: string | null;
  defaultEmbeddingModel: string;
  once: Once | null;
  now: () => Date;
  /** A UUID v7: sortable by the time of its making. */
  newId: () => string;
  /** Lets work go on after the answer has left. */
  defer: (work: Promise<unknown>) => void;
};

/** Everything a core function may touch. Built once per request, queue message or alarm. */
export type Ctx = Shared & {
  project: { id: string };
  /** The chat that the request's path names, read in one batch with the key; absent where the path names none. */
  chat?: LiveChat | null;
  thread: (id: string) => ThreadPort;
  feed: FeedPort;
  model: OpenModel;
  channel: OpenChannel;
  files: FilePort;
  embedder: OpenEmbedder;
  vectors: OpenVectors;
};

/** The administrator's: no project is his own. */
export type AdminCtx = Shared & { project: null; feedOf: (projectId: string) => FeedPort };
