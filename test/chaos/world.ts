import { setTimeout as wait } from "node:timers/promises";
import { KEYS, Server } from "../process/server.ts";
import { ServerApi } from "../../scripts/api.ts";
import type { Disruption } from "./plan.ts";
import { Receiver } from "./receiver.ts";
import { Sources } from "./sources.ts";
import { Upstream } from "./upstream.ts";

export type Violation = { promise: string; thread: string; seen: string };
export type Answered<T = unknown> = { status: number; json: T; at: number };

/** A busy machine may be slow to bring a word that was said at once. */
const IDLE_TIMEOUT_MS = 5000;
const PATIENCE_MS = 90_000;
/** A server that has just come up may still cut what reached the one before. */
const AFTERMATH_MS = 500;

/** The server under test with all that can befall it, and what was seen that should not have been. */
export class World {
  readonly server: Server;
  readonly upstream: Upstream;
  readonly receiver: Receiver;
  readonly violations: Violation[] = [];
  readonly disruptions: { kind: Disruption["kind"]; from: number; to: number }[] = [];
  readonly #sources: Sources;
  key = "";
  /** Chats by what their bot may do: answer, or also hand over once an operator allows it. */
  chats = { plain: "", tool: "" };
  /** For answers that are asked for later. */
  plannedChat = "";

  private constructor(server: Server, upstream: Upstream, receiver: Receiver, sources: Sources) {
    this.server = server;
    this.upstream = upstream;
    this.receiver = receiver;
    this.#sources = sources;
  }

  static async start(project: string, seed: string): Promise<World> {
    const [upstream, receiver, sources] = [await Upstream.start(), await Receiver.start(seed), new Sources(project)];
    const server = await Server.start(settingsFor(upstream), sources.folder);
    const world = new World(server, upstream, receiver, sources);
    await world.#createChats();
    return world;
  }

  async end(): Promise<void> {
    await this.server.kill();
    this.upstream.stop();
    this.receiver.stop();
    this.#sources.remove();
  }

  violated(promise: string, thread: string, seen: string): void {
    this.violations.push({ promise, thread, seen });
  }

  /** Whether the server was killed or loaded anew at any time between. */
  wasDisturbed(from: number, to: number): boolean {
    return this.disruptions.some((disruption) => disruption.from <= to && disruption.to + AFTERMATH_MS >= from);
  }

  async disrupt({ kind, downMs }: Disruption): Promise<void> {
    const disruption = { kind, from: Date.now(), to: Infinity };
    this.disruptions.push(disruption);
    if (kind === "kill") await this.#killAndStart(downMs);
    else await this.#save();
    disruption.to = Date.now();
  }

  async #killAndStart(downMs: number): Promise<void> {
    await this.server.kill();
    await wait(downMs);
    await this.#start();
  }

  async #start(): Promise<void> {
    try {
      await this.server.start(settingsFor(this.upstream));
    } catch (error) {
      this.violated("the server starts after a kill", "", String(error).slice(-1500));
      await this.server.kill();
      await this.server.start(settingsFor(this.upstream));
    }
  }

  async #save(): Promise<void> {
    const save = this.#sources.save();
    const until = Date.now() + 30_000;
    for (;;) {
      const health = await fetch(`${this.server.url}/healthz`)
        .then(jsonOf)
        .catch(() => null);
      if ((health as { save?: number } | null)?.save === save) return;
      if (Date.now() < until) await wait(50);
      else return this.#fallen();
    }
  }

  async #fallen(): Promise<void> {
    this.violated("the server survives the save of a file", "", this.server.output.slice(-500));
    await this.#killAndStart(0);
  }

  /** One attempt; null: nobody can say whether it was heeded. */
  async attempt(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
  ) {
    const authorized = { authorization: `Bearer ${this.key}`, "content-type": "application/json", ...headers };
    const init = {
      method,
      headers: authorized,
      signal: signal ?? null,
      ...(body ? { body: JSON.stringify(body) } : {}),
    };
    const response = await fetch(this.server.url + path, init).catch(() => null);
    if (response && response.status !== 429 && (response.status < 500 || isOurs(response))) return response;
    const text = await response?.text().catch(() => "");
    if (response?.status === 500 && response.headers.has("x-request-id")) {
      this.violated("no request is answered with 500", path, text ?? "");
    }
    return null;
  }

  /** Attempts until there is an answer. */
  async persist(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Response> {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      const response = await this.attempt(method, path, body, headers);
      if (response) return response;
      if (Date.now() > until) throw new Error(`no answer to ${method} ${path} for ${PATIENCE_MS} ms`);
      await wait(150);
    }
  }

  async call<T>(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Answered<T>> {
    for (;;) {
      const response = await this.persist(method, path, body, headers);
      const at = Date.now();
      const json = parsed(await response.text().catch(() => ""));
      if (json !== undefined) return { status: response.status, json: json as T, at };
      await wait(150);
    }
  }

  async #createChats(): Promise<void> {
    const root = new ServerApi(this.server.url, KEYS.ROOT_KEY);
    const project = await root.post<{ id: string }>("/projects", { name: "Chaos", organization_id: "chaos" });
    this.key = (await root.post<{ key: string }>(`/projects/${project.id}/api-keys`, { name: "Chaos" })).key;
    const api = new ServerApi(this.server.url, this.key);
    const web = await api.post<{ id: string }>("/integrations", { name: "Web", vendor: "worken", auth_data: {} });
    const chat = async (tools: object) => {
      const bot = await api.post<{ id: string }>("/bots", { name: "Bot" });
      await api.post(`/bots/${bot.id}/settings`, { ai: { model: { id: "openai/chaos" }, tools } });
      return (await api.post<{ id: string }>(`/integrations/${web.id}/chats`, { bot_id: bot.id, name: "Web" })).id;
    };
    this.chats = { plain: await chat({}), tool: await chat({ handoff_to_operator: "operator_approve" }) };
    this.plannedChat = await chat({});
    await api.post("/webhook-endpoints", { url: this.receiver.url, secret: "a secret of the chaos" });
  }
}

const settingsFor = (upstream: Upstream) => ({
  OPENAI_API_KEY: "upstream-key",
  OPENAI_BASE_URL: upstream.url,
  UPSTREAM_IDLE_TIMEOUT_MS: String(IDLE_TIMEOUT_MS),
  WEBHOOK_RETRY_SCHEDULE: Array(300).fill("1").join(),
});

/** 502 says that the model failed: our own answer, and a last word. */
const isOurs = (response: Response) => response.status === 502 && response.headers.has("x-request-id");

/** Undefined: the answer was cut off. Every answer here is an object or a list. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const jsonOf = (response: Response): Promise<unknown> => response.json();
