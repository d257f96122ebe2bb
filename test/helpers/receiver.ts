import { env } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { expect } from "vitest";
import type { Ctx } from "../../src/core/context.ts";
import { deliverWebhooks } from "../../src/core/webhooks/webhook-queue.ts";
import { openContext } from "../../src/runtime/context.ts";
import { eventually } from "./eventually.ts";
import type { Caller } from "./project.ts";

type Answer = () => Response | Promise<Response>;
export type Delivery = { id: string; body: string; headers: Headers; event: Event };
type Event = { id: string; type: string; created_at: string; data: Record<string, unknown> };

const receivers = new Map<string, Receiver>();
const realFetch = globalThis.fetch;

/** Set once for all files, which share one runtime. */
globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const receiver = receivers.get(new URL(request.url).hostname);
  return receiver ? receiver.take(request) : realFetch(request);
};

export const SECRET = "a secret of the tests";

/** Somebody's server that is told of events, under a name of its own. It answers its calls in turn, the last of them for ever. */
export class Receiver {
  readonly host = `${crypto.randomUUID()}.receiver.example`;
  readonly url = `https://${this.host}/hook`;
  /** What has arrived, whatever was answered. */
  readonly deliveries: Delivery[] = [];
  answers: Answer[];
  /** The most that it has had to do at one time. */
  mostAtOnce = 0;
  #atOnce = 0;

  constructor(...answers: Answer[]) {
    this.answers = answers.length > 0 ? answers : [ok];
    receivers.set(this.host, this);
  }

  async take(request: Request): Promise<Response> {
    const [answer, ...others] = this.answers;
    if (others.length > 0) this.answers = others;
    const body = await request.text();
    const id = request.headers.get("webhook-id")!;
    this.deliveries.push({ id, body, headers: request.headers, event: JSON.parse(body) as Event });
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    try {
      return await answer!();
    } finally {
      this.#atOnce -= 1;
    }
  }

  get events(): Event[] {
    return this.deliveries.map(({ event }) => event);
  }

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }
}

export const ok: Answer = () => new Response("thanks");
export const answers =
  (status: number, headers: Record<string, string> = {}): Answer =>
  () =>
    new Response(`status ${status}`, { status, headers });

export const isDown: Answer = () => Promise.reject(new TypeError("connection refused"));

/** A receiver's answer that waits until the test lets it go. */
export function heldAnswer(): { answer: Answer; release: () => void } {
  const state = { released: false };
  const answer = async () => {
    while (!state.released) await scheduler.wait(2);
    return ok();
  };
  return { answer, release: () => void (state.released = true) };
}

/** Registers a receiver with a project. */
export async function register(project: Caller, receiver: Receiver, secret = SECRET): Promise<string> {
  const { json, status } = await project.post("/webhook-endpoints", { url: receiver.url, secret });
  if (status !== 200) throw new Error(JSON.stringify(json));
  return json.id as string;
}

/** Does at once, and at a time of the test's choice, what the queue's bell and the clock would bring about. */
export async function deliver(
  project: { id: string },
  endpointId: string,
  laterMs = 0,
  changes: Partial<Ctx> = {},
): Promise<void> {
  const deferred: Promise<unknown>[] = [];
  const ctx = contextOf(project, (work) => void deferred.push(work));
  const now = () => new Date(Date.now() + laterMs);
  // A bell of its own would ring into another moment of the test.
  const jobs = { ring: async () => undefined };
  await deliverWebhooks({ ...ctx, now, jobs, ...changes }, endpointId);
  for (let done = 0; done < deferred.length; done++) await deferred[done];
}

/** Waits until a receiver that works has been told all it is owed, by the test or by the queue. */
export async function told(project: Caller & { id: string }, endpointId: string): Promise<void> {
  await eventually(async () => {
    await deliver(project, endpointId);
    const { json } = await project.get(`/webhook-endpoints/${endpointId}/deliveries`);
    expect(json.filter(({ status }: { status: string }) => status !== "delivered")).toEqual([]);
  });
}

/** What the core works with, in a project. */
export const contextOf = (project: { id: string }, defer: Ctx["defer"] = () => undefined): Ctx =>
  openContext(env, project, { actor: { type: "system", job: "test" }, defer });

export const verify = ({ body, headers }: Delivery, secret: string): unknown =>
  new Webhook(btoa(secret)).verify(body, Object.fromEntries(headers));
