import * as z from "zod";
import type { LanguageModelV4FunctionTool } from "@ai-sdk/provider";
import { hasKnowledge, type BotSettings, type ToolMode } from "../core/bot-settings.ts";
import { DomainError } from "../core/errors.ts";
import { WORKING_MEMORY_TOOL, type Json } from "../core/messages.ts";
import { SCHEDULE_TOOLS } from "./schedule-tools.ts";
import type { Abilities, Planning, Tool, TurnControl } from "./tool.ts";

const SEARCH_TOOL = "search_knowledge";

const handoffToOperator: Tool = {
  description:
    "Hand the conversation over to a human operator: when the person asks for one, or when you cannot help. Say goodbye afterwards.",
  input: z.object({ reason: z.string().max(1000).describe("Why a human is needed, for the operator to read.") }),
  execute(_args, control) {
    control.mode = "manual";
    return { handed_over: true };
  },
};

const updateWorkingMemory: Tool = {
  description:
    "Replace your notes about this person. Call it whenever you learn something worth keeping; give the whole notes, in Markdown.",
  input: z.object({ memory: z.string().max(20_000).describe("The complete notes, as they shall be from now on.") }),
  execute(args, control) {
    control.workingMemory = (args as { memory: string }).memory;
    return { updated: true };
  },
};

const searchDocuments: Tool = {
  description:
    "Search the documents for passages that answer a question. Put the number of every passage that you use behind what you say, like [1]. If they do not answer it, say that it is not in the documents; never invent an answer.",
  input: z.object({ query: z.string().min(1).max(2000).describe("The question, complete in itself.") }),
  execute: (args, _control, _planning, { searchKnowledge }) => searchKnowledge((args as { query: string }).query),
};

/** To add a tool that every bot may use: describe it here. */
const BUILT_IN: Record<string, Tool> = {
  handoff_to_operator: handoffToOperator,
  [WORKING_MEMORY_TOOL]: updateWorkingMemory,
  ...SCHEDULE_TOOLS,
  [SEARCH_TOOL]: searchDocuments,
};

/** The tools that a bot's settings offer to the model, and how each may be used. */
export function offeredTools(settings: BotSettings): Map<string, ToolMode> {
  const listed = Object.entries(settings.tools).filter(([name]) => name !== WORKING_MEMORY_TOOL);
  const offered = new Map(listed.filter(([name]) => Object.hasOwn(BUILT_IN, name)));
  if (settings.memory.workingMemory.enabled) offered.set(WORKING_MEMORY_TOOL, "auto");
  const searches = settings.knowledge.strategy === "tool" && hasKnowledge(settings);
  if (searches && !offered.has(SEARCH_TOOL)) offered.set(SEARCH_TOOL, "auto");
  return offered;
}

/** Whether a bot may plan what it does later; it must know what is planned then, and what time it is. */
export const mayPlan = ({ tools }: BotSettings): boolean =>
  Object.keys(SCHEDULE_TOOLS).some((name) => Object.hasOwn(tools, name));

export const toolDefinitions = (names: Iterable<string>): LanguageModelV4FunctionTool[] =>
  [...names].map((name) => ({
    type: "function",
    name,
    description: BUILT_IN[name]!.description,
    inputSchema: inputSchema(BUILT_IN[name]!.input),
  }));

function inputSchema(input: z.ZodType): LanguageModelV4FunctionTool["inputSchema"] {
  const { $schema: _, ...schema } = z.toJSONSchema(input);
  return schema as LanguageModelV4FunctionTool["inputSchema"];
}

export type ToolResult = { result: Json; outcome: "ok" | "failed" };

/** Runs a tool; what is wrong with the call becomes a result that the model can read and correct. */
export async function executeTool(
  name: string,
  args: Json,
  control: TurnControl,
  planning: Planning | null,
  abilities: Abilities,
): Promise<ToolResult> {
  const tool = Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name] : undefined;
  if (!tool) return { result: `There is no tool ${name}.`, outcome: "failed" };
  const parsed = tool.input.safeParse(args);
  if (!parsed.success) return { result: `Wrong arguments: ${z.prettifyError(parsed.error)}`, outcome: "failed" };
  try {
    return { result: await tool.execute(parsed.data as Json, control, planning, abilities), outcome: "ok" };
  } catch (error) {
    if (error instanceof DomainError) return { result: error.message, outcome: "failed" };
    throw error;
  }
}
