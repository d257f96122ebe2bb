import { APICallError, type LanguageModelV4, type LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { createOpenAI } from "@ai-sdk/openai";
import { parseModelId } from "../core/bot-settings.ts";
import { DomainError } from "../core/errors.ts";
import { chatCompletionsModel, messageOf, usageOf } from "./chat-completions.ts";
import { completionRequest } from "./chat-completions-request.ts";
import { embeddedModel } from "./embedded-model.ts";

export type ModelOptions = {
  openaiApiKey: string | undefined;
  openaiBaseUrl: string;
  embeddedWordDelayMs: number;
  workersAi: WorkersAi | undefined;
};

/** The one verb of the Workers AI binding that is used; its own type names every model. */
export type WorkersAi = { run(model: string, input: object): Promise<unknown> };

/** Opens a model by `provider/name`. To add a provider: one more line here. */
export function openModel(options: ModelOptions, modelId: string): LanguageModelV4 {
  const { provider, name } = parseModelId(modelId);
  switch (provider) {
    case "embedded":
      return embeddedModel({ modelId: name, wordDelayMs: options.embeddedWordDelayMs });
    case "openai":
      if (!options.openaiApiKey) throw notConfigured(modelId, "OPENAI_API_KEY");
      return openaiModel(name, options.openaiBaseUrl, options.openaiApiKey);
    case "workers-ai":
      if (!options.workersAi) throw notConfigured(modelId, "the AI binding");
      return workersAiModel(name, options.workersAi);
    default:
      throw new DomainError("upstream_failed", `no provider ${provider} for model ${modelId}`);
  }
}

const notConfigured = (modelId: string, missing: string) =>
  new DomainError("upstream_failed", `model ${modelId} cannot be used: ${missing} is not set`);

function openaiModel(modelId: string, baseURL: string, apiKey: string): LanguageModelV4 {
  const url = `${baseURL.replace(/\/+$/, "")}/chat/completions`;
  return chatCompletionsModel({
    provider: "openai",
    modelId,
    async send(body, { abortSignal }) {
      const response = await fetch(url, {
        method: "POST",
        headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: abortSignal,
      }).catch((cause: unknown) => {
        throw abortSignal?.aborted ? cause : unreachable(url, cause);
      });
      if (!response.ok || !response.body) throw await refusal(url, response);
      return response.body;
    },
    async doGenerate(options) {
      return createOpenAI({ apiKey, baseURL }).chat(modelId).doGenerate(options);
    },
  });
}

const unreachable = (url: string, cause: unknown) =>
  new APICallError({ message: "the model cannot be reached", url, requestBodyValues: {}, isRetryable: true, cause });

/** Quota and credit errors come as 429 too, and do not go away by waiting. */
const NOT_WORTH_RETRYING = new Set(["insufficient_quota", "billing_hard_limit_reached"]);

async function refusal(url: string, response: Response): Promise<APICallError> {
  const text = (await response.text()).slice(0, 10_000);
  const { error } = parseObject(text) as { error?: { code?: string; type?: string } };
  const final = [error?.code, error?.type].some((code) => code && NOT_WORTH_RETRYING.has(code));
  return new APICallError({
    message: `the model answered ${response.status}: ${error ? messageOf(error).slice(0, 300) : response.statusText}`,
    url,
    requestBodyValues: {},
    statusCode: response.status,
    responseHeaders: Object.fromEntries(response.headers),
    ...(final ? { isRetryable: false } : {}),
  });
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

function workersAiModel(modelId: string, ai: WorkersAi): LanguageModelV4 {
  return chatCompletionsModel({
    provider: "workers-ai",
    modelId,
    send: async (body) => (await ai.run(modelId, withoutModel(body))) as ReadableStream<Uint8Array>,
    async doGenerate(options: LanguageModelV4CallOptions) {
      const answer = (await ai.run(modelId, withoutModel(completionRequest(modelId, options)))) as WorkersAiAnswer;
      const text = answer.response ?? answer.choices?.[0]?.message?.content ?? "";
      return {
        content: [{ type: "text", text }],
        finishReason: { unified: "stop", raw: undefined },
        usage: usageOf(answer.usage),
        warnings: [],
      };
    },
  });
}

/** The binding takes the model beside the body. */
const withoutModel = (body: object) => ({ ...body, model: undefined });

type WorkersAiAnswer = {
  response?: string;
  choices?: { message?: { content?: string } }[];
  usage?: { prompt_tokens?: number; completion_tokens?: number };
};
