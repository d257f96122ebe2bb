import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type * as z from "zod";
import type * as schemas from "../../src/dialects/worken/schemas.ts";
import { app } from "../../src/app.ts";
import { SseReader, type SseEvent } from "./sse.ts";
import type { FakeModel } from "./upstream.ts";

export const ROOT_KEY = env.ROOT_KEY!;

type Wire<K extends keyof typeof schemas> = (typeof schemas)[K] extends z.ZodType
  ? z.output<(typeof schemas)[K]>
  : never;
// oxlint-disable-next-line typescript/no-explicit-any -- a test says what it expects of an answer, not the type
export type Answer<T = any> = { status: number; json: T; headers: Headers };

/**
 * What Cloudflare does with a request. The test pool's own way in gets slower with every call; objects, D1 and queues are
 * real either way.
 */
export const callWorker = async (request: Request): Promise<Response> =>
  app.fetch(request, env, createExecutionContext());

/** A caller with a key of his own. */
export class Caller {
  readonly key: string;

  constructor(key: string) {
    this.key = key;
  }

  fetch(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return callWorker(
      new Request(`http://test${path}`, {
        method,
        headers: { authorization: `Bearer ${this.key}`, "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    );
  }

  async call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
    const response = await this.fetch(method, path, body, headers);
    const text = await response.text();
    return { status: response.status, json: text ? JSON.parse(text) : null, headers: response.headers };
  }

  get = (path: string, headers?: Record<string, string>) => this.call("GET", path, undefined, headers);
  post = (path: string, body?: unknown, headers?: Record<string, string>) => this.call("POST", path, body, headers);
  delete = (path: string) => this.call("DELETE", path);
}

export const root = new Caller(ROOT_KEY);

/** A fresh tenant with its own key, so that no test sees another test's rows. */
export async function newProject(): Promise<Caller & { id: string }> {
  const { json: project } = await root.post("/projects", { name: "Test", organization_id: "tests" });
  const { json: created } = await root.post(`/projects/${project.id}/api-keys`, { name: "Test" });
  return Object.assign(new Caller(created.key), { id: project.id as string });
}

/** A chat of a fresh project, whose bot uses the given model and settings. */
export async function newChat(model?: FakeModel, ai: object = {}, settings: object = {}): Promise<Chat> {
  const project = await newProject();
  const { json: bot } = await project.post("/bots", { name: "Bot" });
  const { model: modelSettings, ...others } = ai as { model?: object };
  await project.post(`/bots/${bot.id}/settings`, { ai: { model: { id: model?.id, ...modelSettings }, ...others } });
  const { json: integration } = await project.post("/integrations", { name: "Web", vendor: "worken", auth_data: {} });
  const { json: chat } = await project.post(`/integrations/${integration.id}/chats`, {
    bot_id: bot.id,
    name: "Web",
    settings,
  });
  return new Chat(project, chat, bot.id);
}

export class Chat {
  readonly project: Caller & { id: string };
  readonly id: string;
  readonly integrationId: string;
  readonly botId: string;

  constructor(project: Caller & { id: string }, chat: Wire<"Chat">, botId: string) {
    this.project = project;
    this.id = chat.id;
    this.integrationId = chat.integration_id!;
    this.botId = botId;
  }

  thread = (id: string = crypto.randomUUID()) => new Thread(this, id);
}

export class Thread {
  readonly chat: Chat;
  readonly id: string;

  constructor(chat: Chat, id: string) {
    this.chat = chat;
    this.id = id;
  }

  get path(): string {
    return `/chats/${this.chat.id}/threads/${this.id}`;
  }

  /** Sends what a person writes; the answer is the raw response. */
  stream(content: string, headers?: Record<string, string>): Promise<Response> {
    return this.chat.project.fetch("POST", `${this.path}/stream`, { messages: [{ role: "user", content }] }, headers);
  }

  /** Sends what a person writes and reads the whole answer. */
  async ask(content: string): Promise<{ text: string; events: Record<string, unknown>[]; frames: SseEvent[] }> {
    return readAnswer(await this.stream(content));
  }

  async messages(): Promise<Wire<"Message">[]> {
    return (await this.chat.project.get(`${this.path}/messages`)).json;
  }

  setMode = (mode: string) => this.chat.project.post(`${this.path}/mode`, { mode });
  send = (text: string) => this.chat.project.post(`/threads/${this.id}/send`, { text });
  get = () => this.chat.project.get(`/threads/${this.id}`);
}

export async function readAnswer(response: Response) {
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  const frames = await new SseReader(response).rest();
  const events = frames.map(({ data }) => JSON.parse(data) as Record<string, unknown>);
  return {
    text: events.map(({ textDelta }) => (typeof textDelta === "string" ? textDelta : "")).join(""),
    events,
    frames,
  };
}
