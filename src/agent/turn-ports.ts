import type { ErrorCode } from "../core/errors.ts";
import type { KnowledgeHit, KnowledgeQuery } from "../core/knowledge/knowledge-search.ts";
import type { RecalledMessage, RecallQuery } from "../core/recall/recall-search.ts";
import type { MessagePart } from "../core/messages.ts";
import type { OpenModel } from "../core/ports.ts";
import type { Meter } from "./meter.ts";
import type { TurnEvent } from "../core/turn-events.ts";

/** What a turn needs from where it runs. */
export type TurnPorts = {
  openModel: OpenModel;
  /** What the project's documents say. */
  searchKnowledge: (query: KnowledgeQuery) => Promise<KnowledgeHit[]>;
  /** What was said before that bears on a question. */
  recall: (query: Omit<RecallQuery, "threadId" | "personId">) => Promise<RecalledMessage[]>;
  newId: () => string;
  /** Pays for the model's calls, and knows what they came to. */
  meter: Meter;
  /** Called for everything the answer says, with all of it so far; what is passed here must be kept before it is shown. */
  say: (events: TurnEvent[], parts: MessagePart[]) => void;
  /** Aborted when the turn must end: stopped by a person, or fenced by a change of mode. */
  signal: AbortSignal;
  /** How long a model may be silent, before its first word and between two. */
  idleTimeoutMs: number;
};

export type TurnFailure = { code: ErrorCode; message: string; retryAfterSeconds?: number; isPersonal?: boolean };
