import type * as z from "zod";
import type { Json } from "../core/messages.ts";
import type { Schedule, SchedulePlan } from "../core/schedules/schedule-state.ts";
import type { Mode } from "../core/thread-state.ts";

/** What a turn's tools want changed in the thread. It is applied when the turn commits, after its closing words. */
export type TurnControl = {
  mode: Mode | null;
  workingMemory: string | null;
  plans: (SchedulePlan & { id: string })[];
  cancelledPlans: string[];
};

export type Tool = {
  description: string;
  input: z.ZodType;
  /** A DomainError is told to the model, which may do better. `planning` is there for the tools that plan. */
  execute: (args: Json, control: TurnControl, planning: Planning | null, abilities: Abilities) => Json | Promise<Json>;
};

/** What tools can do beyond the thread. */
export type Abilities = { searchKnowledge: (query: string) => Promise<Json> };

/** What is planned in the thread as the turn begins; what the turn itself plans is in its control. */
export type Planning = {
  now: number;
  schedules: Schedule[];
  /** Whether the project may plan more. */
  hasRoom: boolean;
  newId: () => string;
};
