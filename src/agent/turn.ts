import type { LanguageModelV4CallOptions, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import type { Approval } from "../core/approvals.ts";
import { hasKnowledge, type BotSettings } from "../core/bot-settings.ts";
import { DomainError } from "../core/errors.ts";
import type { KnowledgeHit } from "../core/knowledge/knowledge-search.ts";
import { textOf, type FinishReason, type Json, type Message, type MessagePart, type Usage } from "../core/messages.ts";
import type { Due } from "../core/schedules/schedule-state.ts";
import { Draft } from "./draft.ts";
import { asTurnFailure, callModel } from "./model-call.ts";
import { buildPrompt } from "./prompt.ts";
import { recallFor } from "./recall.ts";
import type { RecalledMessage } from "../core/recall/recall-search.ts";
import { FoundKnowledge } from "./knowledge.ts";
import type { Planning, TurnControl } from "./tool.ts";
import { executeTool, offeredTools, toolDefinitions } from "./tools.ts";
import type { TurnFailure, TurnPorts } from "./turn-ports.ts";

const MAX_STEPS = 8;
/** A model may be caught in a loop; a row holds an answer of this length, whatever it is made of. */
const MOST_CHARACTERS = 250_000;

export type TurnInput = {
  settings: BotSettings;
  workingMemory: string | null;
  /** What was scheduled and is due now, where no message began this turn. */
  due: Due | null;
  /** Null: this bot plans nothing. */
  planning: Planning | null;
  /** Earlier messages as far as the bot remembers them, and those that are to be answered. */
  messages: Pick<Message, "role" | "parts">[];
  /** The place in the thread of the first of them. */
  seenFrom: number;
  /** For an answer that goes on after approvals: what it says already, and what was decided. */
  parts: MessagePart[];
  decided: Approval[];
};

type ApprovalRequest = Pick<Approval, "id" | "toolCallId" | "toolName" | "args" | "requestedFrom">;

export type TurnOutcome = {
  status: "complete" | "interrupted" | "failed";
  parts: MessagePart[];
  finishReason: FinishReason | null;
  model: string | null;
  usage: Usage;
  failure: TurnFailure | null;
  approvals: ApprovalRequest[];
  control: TurnControl;
  /** What the bot does if nobody answers it now. */
  followUp: BotSettings["followUp"] | null;
};

/**
 * One run of a bot over a thread. It changes nothing itself: what it says goes to `say`, what it wants changed is in the
 * outcome. Rejects only with the signal's reason; every other failure is an outcome.
 */
export async function runTurn(input: TurnInput, ports: TurnPorts): Promise<TurnOutcome> {
  const turn = new Turn(input, ports);
  try {
    return await turn.run();
  } catch (error) {
    ports.signal.throwIfAborted();
    return turn.failed(asTurnFailure(error));
  }
}

const EMPTY_ANSWER: TurnFailure = { code: "upstream_failed", message: "the model gave an empty answer" };

const TOO_LONG = new DomainError("upstream_failed", `the answer is longer than ${MOST_CHARACTERS} characters`);

type ToolCall = { toolCallId: string; toolName: string; args: Json };

class Turn {
  readonly #input: TurnInput;
  readonly #ports: TurnPorts;
  readonly #draft: Draft;
  readonly #control: TurnControl = { mode: null, workingMemory: null, plans: [], cancelledPlans: [] };
  readonly #usage: Usage = { inputTokens: 0, outputTokens: 0 };
  readonly #tools: ReturnType<typeof offeredTools>;
  readonly #knowledge: FoundKnowledge;
  #recalled: RecalledMessage[] = [];
  #model: string | null = null;
  #characters = 0;

  constructor(input: TurnInput, ports: TurnPorts) {
    this.#input = input;
    this.#ports = ports;
    this.#draft = new Draft(input.parts, input.settings.formatting, ports.say);
    this.#tools = offeredTools(input.settings);
    this.#knowledge = new FoundKnowledge(input.settings, ports);
  }

  async run(): Promise<TurnOutcome> {
    const { settings, messages, decided } = this.#input;
    const isInjected = settings.knowledge.strategy === "inject" && hasKnowledge(settings);
    [this.#recalled] = await Promise.all([
      recallFor(this.#input, this.#ports),
      isInjected ? this.#knowledge.lookUp(messages) : null,
    ]);
    for (const approval of decided) await this.#carryOut(approval);
    for (let step = 1; ; step++) {
      const { finishReason, calls } = await this.#step(step < MAX_STEPS);
      const approvals: ApprovalRequest[] = [];
      for (const call of calls) approvals.push(...(await this.#handle(call)));
      this.#draft.say([{ type: "step-finish" }]);
      if (calls.length === 0 || approvals.length > 0) return this.#complete(finishReason, approvals);
    }
  }

  failed(failure: TurnFailure): TurnOutcome {
    return { ...this.#outcome(), status: this.#draft.hasSpoken ? "interrupted" : "failed", failure };
  }

  #complete(finishReason: FinishReason, approvals: ApprovalRequest[]): TurnOutcome {
    if (this.#draft.parts.length === 0) return this.failed(EMPTY_ANSWER);
    const outcome = { ...this.#outcome(), status: "complete" as const, finishReason, approvals };
    const citations = approvals.length > 0 ? [] : this.#knowledge.citationsOf(textOf(outcome.parts));
    return {
      ...outcome,
      parts: [...outcome.parts, ...citations.map((each) => ({ type: "source" as const, ...each }))],
    };
  }

  #outcome(): TurnOutcome {
    return {
      status: "failed",
      parts: this.#draft.parts,
      finishReason: null,
      model: this.#model,
      usage: this.#usage,
      failure: null,
      approvals: [],
      control: this.#control,
      followUp: this.#input.settings.followUp ?? null,
    };
  }

  /** One call of a model: its words are said as they come, its tool calls are collected; where it has none, they are not heard. */
  async #step(withTools: boolean): Promise<{ finishReason: FinishReason; calls: ToolCall[] }> {
    const calls: ToolCall[] = [];
    let finishReason: FinishReason = "stop";
    const read = (parts: LanguageModelV4StreamPart[]) => {
      if (this.#characters > MOST_CHARACTERS) throw TOO_LONG;
      for (const part of parts) {
        if (part.type === "text-delta") this.#draft.addText(part.delta);
        else if (part.type === "reasoning-delta") this.#draft.addReasoning(part.delta);
        else if (part.type === "tool-call" && withTools) calls.push(this.#draft.addToolCall(part));
        else if (part.type === "finish") finishReason = this.#finish(part);
        else if (part.type === "error") throw part.error;
        this.#count(part);
      }
      return this.#draft.flush() || calls.length > 0;
    };
    const mayBeEmpty = this.#draft.parts.length > 0;
    this.#model = await callModel(this.#input.settings.model, this.#options(withTools), this.#ports, read, mayBeEmpty);
    this.#draft.endText();
    return { finishReason: calls.length > 0 ? "tool-calls" : finishReason, calls };
  }

  #count(part: LanguageModelV4StreamPart): void {
    if ("delta" in part) this.#characters += part.delta.length;
    else if (part.type === "tool-call") this.#characters += part.input.length;
  }

  #finish(part: LanguageModelV4StreamPart & { type: "finish" }): FinishReason {
    this.#usage.inputTokens += part.usage.inputTokens.total ?? 0;
    this.#usage.outputTokens += part.usage.outputTokens.total ?? 0;
    return part.finishReason.unified === "length" ? "length" : "stop";
  }

  #options(withTools: boolean): LanguageModelV4CallOptions {
    const { settings, workingMemory, due, planning, messages } = this.#input;
    const now = planning?.now ?? null;
    const { maxTokens, temperature, topP, frequencyPenalty, presencePenalty } = settings.model;
    return {
      prompt: buildPrompt({
        settings,
        workingMemory,
        passages: this.#injected,
        recalled: this.#recalled,
        due,
        now,
        messages,
        parts: this.#draft.parts,
      }),
      maxOutputTokens: maxTokens,
      temperature,
      topP,
      frequencyPenalty,
      presencePenalty,
      ...(withTools && this.#tools.size > 0 ? { tools: toolDefinitions(this.#tools.keys()) } : {}),
    };
  }

  readonly #abilities = { searchKnowledge: (query: string) => this.#knowledge.search(query) };

  /** Tools bring their passages themselves. */
  get #injected(): KnowledgeHit[] | null {
    return this.#input.settings.knowledge.strategy === "inject" ? this.#knowledge.passages : null;
  }

  /** Runs a tool at once, or asks for the approval that the bot's settings want. */
  async #handle(call: ToolCall): Promise<ApprovalRequest[]> {
    const mode = this.#tools.get(call.toolName) ?? "auto";
    if (mode === "auto") {
      await this.#execute(call);
      return [];
    }
    const id = this.#ports.newId();
    const requestedFrom = mode === "user_approve" ? "user" : "operator";
    // Who reads the answer is the person, and must not be asked what only an operator may decide.
    if (requestedFrom === "user")
      this.#draft.say([{ type: "tool-approval-request", approvalId: id, toolCallId: call.toolCallId }]);
    return [{ id, ...call, requestedFrom }];
  }

  async #execute(call: ToolCall): Promise<void> {
    const { result, outcome } = this.#tools.has(call.toolName)
      ? await executeTool(call.toolName, call.args, this.#control, this.#input.planning, this.#abilities)
      : { result: `There is no tool ${call.toolName}.`, outcome: "failed" as const };
    this.#draft.addToolResult({ ...call, id: this.#ports.newId(), result, outcome });
  }

  async #carryOut(approval: Approval): Promise<void> {
    if (approval.status === "approved") return this.#execute(approval);
    const result = approval.reason ?? "The tool call was not approved.";
    return this.#draft.addToolResult({ ...approval, id: this.#ports.newId(), result, outcome: "denied" });
  }
}
