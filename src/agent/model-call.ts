import {
  APICallError,
  type LanguageModelV4,
  type LanguageModelV4CallOptions,
  type LanguageModelV4StreamPart,
} from "@ai-sdk/provider";
import type { BotSettings } from "../core/bot-settings.ts";
import { DomainError } from "../core/errors.ts";
import { sleep } from "../lib/time.ts";
import { busySeconds, retryAfterMs } from "./busy-model.ts";
import type { GroupedStreamResult } from "./chat-completions.ts";
import type { Meter } from "./meter.ts";
import { promptTokens } from "./prompt-size.ts";
import type { TurnFailure, TurnPorts } from "./turn-ports.ts";

const MAX_CALLS = 3;
/** What is set aside for a call that names no limit. */
const DEFAULT_OUTPUT_TOKENS = 4096;
const BACKOFF_MS = 250;
const LONGEST_WAIT_MS = 30_000;

type Part = LanguageModelV4StreamPart;
/** Takes in what arrived together; tells whether any of it was passed on to a reader. */
type Read = (parts: Part[]) => boolean;

/**
 * Calls the first model that answers, its fallbacks in order, the last of them up to three times. Only as long as
 * nothing was said: after the first word a failure is final, since a second answer must never follow half a first one.
 * Each call is paid for, whatever it leads to. Returns the id of the model that answered.
 */
export async function callModel(
  settings: BotSettings["model"],
  options: LanguageModelV4CallOptions,
  ports: Pick<TurnPorts, "openModel" | "signal" | "idleTimeoutMs" | "meter">,
  read: Read,
  mayBeEmpty: boolean,
): Promise<string> {
  const models = [settings.id, ...settings.fallbacks];
  for (let call = 0; ; call++) {
    const modelId = models[Math.min(call, models.length - 1)]!;
    const attempt = new Attempt(await covered(modelId, options, ports), ports, read, mayBeEmpty);
    try {
      await attempt.run(ports.openModel(modelId));
      ports.meter.end(true);
      return modelId;
    } catch (error) {
      ports.meter.end(attempt.hasSpoken);
      ports.signal.throwIfAborted();
      if (attempt.hasSpoken) throw error;
      const next = nextCall(error, call, models.length);
      if (next === null) throw error;
      await sleep(next, ports.signal);
    }
  }
}

/** The options of a call that can be paid: where little is left, it may say less. */
async function covered(
  modelId: string,
  options: LanguageModelV4CallOptions,
  { meter, signal }: Pick<TurnPorts, "meter" | "signal">,
): Promise<LanguageModelV4CallOptions> {
  const { maxOutputTokens = DEFAULT_OUTPUT_TOKENS } = options;
  const allowed = await meter.begin(modelId, () => ({ inputTokens: promptTokens(options), maxOutputTokens }));
  signal.throwIfAborted();
  return allowed === null ? options : { ...options, maxOutputTokens: allowed };
}

/** Milliseconds until the next call, or null when there shall be none. */
function nextCall(error: unknown, call: number, models: number): number | null {
  if (call + 1 < models) return 0;
  if (call + 1 >= MAX_CALLS || !isRetryable(error)) return null;
  const asked = retryAfterMs(error);
  if (asked !== null) return asked <= LONGEST_WAIT_MS ? asked : null;
  return BACKOFF_MS * 2 ** call * (0.5 + Math.random() / 2);
}

/** One call of one model, watched for silence. */
class Attempt {
  hasSpoken = false;
  readonly #options: LanguageModelV4CallOptions;
  readonly #read: Read;
  readonly #mayBeEmpty: boolean;
  readonly #idle: IdleWatch;
  readonly #meter: Meter;

  constructor(
    options: LanguageModelV4CallOptions,
    ports: Pick<TurnPorts, "signal" | "idleTimeoutMs" | "meter">,
    read: Read,
    mayBeEmpty: boolean,
  ) {
    this.#meter = ports.meter;
    this.#idle = new IdleWatch(ports.signal, ports.idleTimeoutMs);
    this.#options = { ...options, abortSignal: this.#idle.signal };
    this.#read = read;
    this.#mayBeEmpty = mayBeEmpty;
  }

  async run(model: LanguageModelV4): Promise<void> {
    try {
      await this.#idle.guard(this.#consume(model));
    } finally {
      this.#idle.end();
    }
  }

  async #consume(model: LanguageModelV4): Promise<void> {
    const result: GroupedStreamResult = await model.doStream(this.#options);
    let [finished, empty] = [false, !this.#mayBeEmpty];
    await readParts(result, (parts) => {
      this.#idle.signal.throwIfAborted();
      this.#idle.touch();
      this.#meter.hear(parts);
      finished ||= parts.some((part) => part.type === "finish");
      empty &&= !parts.some((part) => part.type === "text-delta" || part.type === "tool-call");
      if (this.#read(parts)) this.hasSpoken = true;
    });
    if (!finished) throw new DomainError("upstream_failed", "the model's stream ended in the middle");
    if (empty) throw new DomainError("upstream_failed", "the model gave an empty answer");
  }
}

async function readParts(result: GroupedStreamResult, take: (parts: Part[]) => void): Promise<void> {
  if (result.readGroups) return result.readGroups(take);
  for await (const part of result.stream) take([part]);
}

/** Aborts when nothing happened for a while, with one timer however often something happens. */
class IdleWatch {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #timeoutMs: number;
  readonly #aborted: Promise<never>;
  #timer: ReturnType<typeof setTimeout>;
  #touched = Date.now();

  constructor(outer: AbortSignal, timeoutMs: number) {
    this.#outer = outer;
    this.#timeoutMs = timeoutMs;
    this.signal = this.#controller.signal;
    outer.addEventListener("abort", this.#abortWithOuter);
    this.#aborted = new Promise((_, reject) => {
      this.signal.addEventListener("abort", () => reject(this.signal.reason as Error));
    });
    this.#aborted.catch(() => undefined);
    this.#timer = setTimeout(this.#check, timeoutMs);
  }

  touch(): void {
    this.#touched = Date.now();
  }

  /** Rejects as soon as the silence is too long, also where the work itself would wait on. */
  guard<T>(work: Promise<T>): Promise<T> {
    work.catch(() => undefined);
    return Promise.race([work, this.#aborted]);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener("abort", this.#abortWithOuter);
  }

  readonly #abortWithOuter = () => this.#controller.abort(this.#outer.reason);

  readonly #check = () => {
    const left = this.#touched + this.#timeoutMs - Date.now();
    if (left > 0) this.#timer = setTimeout(this.#check, left);
    else this.#controller.abort(new DomainError("upstream_failed", SILENT));
  };
}

const SILENT = "the model was silent for too long";

const isRetryable = (error: unknown) =>
  APICallError.isInstance(error) ? error.isRetryable : error instanceof DomainError && error.message === SILENT;

/** What a failed model call means to the caller: a busy model is worth trying again later, everything else is not ours. */
export function asTurnFailure(error: unknown): TurnFailure {
  if (error instanceof DomainError) {
    const { code, message, details } = error;
    return { code, message, ...(details.isPersonal ? { isPersonal: true } : {}) };
  }
  if (!APICallError.isInstance(error)) return { code: "upstream_failed", message: "the model failed" };
  const seconds = busySeconds(error);
  if (seconds === null) return { code: "upstream_failed", message: error.message };
  return { code: "unavailable", message: error.message, retryAfterSeconds: seconds };
}
