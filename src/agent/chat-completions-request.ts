import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Message,
  LanguageModelV4ToolResultPart,
} from "@ai-sdk/provider";

/** The body of a chat completions request, without what concerns streaming. */
export function completionRequest(modelId: string, options: LanguageModelV4CallOptions): object {
  return {
    model: modelId,
    messages: options.prompt.flatMap(messages),
    ...limits(modelId, options),
    ...(options.tools?.length ? { tools: options.tools.flatMap(toolDefinition) } : {}),
  };
}

/** Models that think before they answer take no sampling settings, and count their thoughts as output. */
const isReasoningModel = (modelId: string) => /^(o\d|gpt-5)/.test(modelId.split("/").at(-1)!);

const limits = (modelId: string, options: LanguageModelV4CallOptions) =>
  isReasoningModel(modelId)
    ? { max_completion_tokens: options.maxOutputTokens }
    : {
        max_tokens: options.maxOutputTokens,
        temperature: options.temperature,
        top_p: options.topP,
        frequency_penalty: options.frequencyPenalty,
        presence_penalty: options.presencePenalty,
      };

function messages(message: LanguageModelV4Message): object[] {
  switch (message.role) {
    case "system":
      return [{ role: "system", content: message.content }];
    case "user":
      return [{ role: "user", content: textOf(message.content) }];
    case "assistant":
      return [assistantMessage(message.content)];
    case "tool":
      return message.content.flatMap((part) =>
        part.type === "tool-result"
          ? [{ role: "tool", tool_call_id: part.toolCallId, content: resultText(part.output) }]
          : [],
      );
  }
}

function assistantMessage(content: (LanguageModelV4Message & { role: "assistant" })["content"]): object {
  const calls = content.flatMap((part) =>
    part.type === "tool-call"
      ? [
          {
            id: part.toolCallId,
            type: "function",
            function: { name: part.toolName, arguments: JSON.stringify(part.input) },
          },
        ]
      : [],
  );
  return { role: "assistant", content: textOf(content), ...(calls.length > 0 ? { tool_calls: calls } : {}) };
}

const textOf = (content: { type: string }[]) =>
  content.map((part) => ("text" in part && part.type === "text" ? String(part.text) : "")).join("");

function resultText(output: LanguageModelV4ToolResultPart["output"]): string {
  switch (output.type) {
    case "text":
    case "error-text":
      return output.value;
    case "execution-denied":
      return output.reason ?? "The tool call was not approved.";
    default:
      return JSON.stringify(output.value);
  }
}

const toolDefinition = (tool: NonNullable<LanguageModelV4CallOptions["tools"]>[number]) =>
  tool.type === "function"
    ? [
        {
          type: "function",
          function: { name: tool.name, description: tool.description, parameters: tool.inputSchema },
        },
      ]
    : [];
