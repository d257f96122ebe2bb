import {
  createExecutionContext,
  createMessageBatch,
  createScheduledController,
  getQueueResult,
  runDurableObjectAlarm,
  runInDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type * as z from "zod";
import type { Job } from "../../src/core/ports.ts";
import type * as schemas from "../../src/dialects/worken/schemas.ts";
import worker from "../../src/worker.ts";
import type { Thread } from "./project.ts";

export type Schedule = z.output<typeof schemas.Schedule>;

export const objectOf = (thread: Thread) => env.THREADS.getByName(`${thread.chat.project.id}/${thread.id}`);

export const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
export const HOUR = 3_600_000;

/** Sends what a person writes, to be answered later. */
export const askLater = (thread: Thread, content: string, scheduledAt: string, more: object = {}) =>
  thread.chat.project.fetch("POST", `${thread.path}/stream`, {
    messages: [{ role: "user", content }],
    scheduledAt,
    ...more,
  });

export const sendLater = (thread: Thread, text: string, scheduledAt: string, more: object = {}) =>
  thread.chat.project.post(`/threads/${thread.id}/send`, { text, scheduledAt, ...more });

export async function schedulesOf(thread: Thread, status = "all"): Promise<Schedule[]> {
  return (await thread.chat.project.get(`/threads/${thread.id}/schedules?status=${status}`)).json.data;
}

export const getSchedule = async (thread: Thread, id: string): Promise<Schedule> =>
  (await thread.chat.project.get(`/schedules/${id}`)).json;

/** What was said in a thread, as lines. */
export const conversation = async (thread: Thread) =>
  (await thread.messages()).map(({ role, content }) => `${role}: ${content}`);

/** The bell of a schedule. */
export const bellOf = (thread: Thread, scheduleId: string): Job => ({
  kind: "fire-schedule",
  projectId: thread.chat.project.id,
  threadId: thread.id,
  scheduleId,
});

/** Delivers queue messages as Cloudflare would, and answers which were acknowledged. */
export async function deliver(...jobs: Job[]): Promise<string[]> {
  const messages = jobs.map((body, index) => ({ id: `${index}`, timestamp: new Date(), attempts: 1, body }));
  const batch = createMessageBatch<Job>("parley-jobs", messages);
  const execution = createExecutionContext();
  await worker.queue(batch, env, execution);
  return (await getQueueResult(batch, execution)).explicitAcks;
}

/** One cron. */
export async function tick(): Promise<void> {
  const execution = createExecutionContext();
  await worker.scheduled(createScheduledController({ scheduledTime: new Date(), cron: "* * * * *" }), env, execution);
  await waitOnExecutionContext(execution);
}

/** Takes the thread's own alarm away, as if it had been lost. */
export const loseAlarm = (thread: Thread) =>
  runInDurableObject(objectOf(thread), (_, state) => state.storage.deleteAlarm());

/** Moves the clock of this runtime, objects and all; `vi.useRealTimers` sets it right again. */
export function pass(ms: number): void {
  const now = Date.now() + ms;
  if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(now);
}

/** Moves the clock and lets the thread's alarm ring. */
export async function passFor(thread: Thread, ms: number): Promise<void> {
  pass(ms);
  await runDurableObjectAlarm(objectOf(thread));
}
