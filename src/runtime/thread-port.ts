import type { Approval, Decision } from "../core/approvals.ts";
import type { Delivery, Message } from "../core/messages.ts";
import type { Page, OrderedPageRequest, PageRequest } from "../core/pages.ts";
import type { OnceKey, PostCommand, Posting, ThreadMessage, ThreadPort, TurnStream } from "../core/ports.ts";
import type { Schedule, ScheduleChanges, SchedulePlan } from "../core/schedules/schedule-state.ts";
import type { Mode, ThreadState } from "../core/thread-state.ts";
import type { TurnEventType } from "../core/turn-events.ts";
import { call, callResponse, type Rpc } from "./rpc.ts";

export type PostRequest = { projectId: string; threadId: string; command: PostCommand };
export type DecideRequest = { decisions: Decision[]; posting: Posting };

/** What the thread's object offers by RPC; what streams goes through its `fetch`. */
export interface ThreadRpc {
  get(): Promise<Rpc<ThreadState>>;
  listMessages(page: OrderedPageRequest): Promise<Rpc<Page<ThreadMessage>>>;
  listApprovals(page: PageRequest): Promise<Rpc<Page<Approval>>>;
  workingMemory(): Promise<Rpc<string | null>>;
  setMode(mode: Mode, once: OnceKey | null): Promise<Rpc<null>>;
  send(text: string, once: OnceKey | null): Promise<Rpc<Message>>;
  receive(request: PostRequest): Promise<Rpc<null>>;
  edit(messageId: string, text: string): Promise<Rpc<null>>;
  setDelivery(messageId: string, delivery: Delivery): Promise<Rpc<null>>;
  schedule(plan: SchedulePlan, once: OnceKey | null): Promise<Rpc<Schedule>>;
  changeSchedule(id: string, changes: ScheduleChanges): Promise<Rpc<Schedule>>;
  cancelSchedule(id: string): Promise<Rpc<Schedule>>;
  fireSchedule(id: string): Promise<Rpc<boolean>>;
  stop(once: OnceKey | null): Promise<Rpc<boolean>>;
  decide(decision: Decision): Promise<Rpc<Approval>>;
  erase(): Promise<Rpc<null>>;
}

type Stub = ThreadRpc & Pick<Fetcher, "fetch">;

/** The core's port to one thread, made of its object. */
export function threadPort(namespace: DurableObjectNamespace, projectId: string, threadId: string): ThreadPort {
  // The object's class is not known here; ThreadRpc is what it implements.
  const stub = namespace.get(namespace.idFromName(`${projectId}/${threadId}`)) as unknown as Stub;
  const open = (path: string, query: Record<string, string | null>, body?: PostRequest | DecideRequest) =>
    callResponse(() => stub.fetch(urlOf(path, query), body && { method: "POST", body: JSON.stringify(body) }));
  const stream = async (path: string, body: PostRequest | DecideRequest) => turnStream(await open(path, {}, body));
  return {
    post: (command) => stream("/post", { projectId, threadId, command }),
    decideAndStream: (decisions, posting) => stream("/decide", { decisions, posting }),
    async resume(after, types) {
      const response = await open("/resume", { types: types && types.join(), after });
      return response.status === 204 ? null : turnStream(response);
    },
    listen: (after) => openSocket(() => stub.fetch(urlOf("/listen", { after }), UPGRADE)),
    get: () => call(() => stub.get()),
    listMessages: (page) => call(() => stub.listMessages(page)),
    listApprovals: (page) => call(() => stub.listApprovals(page)),
    workingMemory: () => call(() => stub.workingMemory()),
    setMode: async (mode, once) => void (await call(() => stub.setMode(mode, once))),
    send: (text, once) => call(() => stub.send(text, once)),
    receive: async (command) => void (await call(() => stub.receive({ projectId, threadId, command }))),
    edit: async (messageId, text) => void (await call(() => stub.edit(messageId, text))),
    setDelivery: async (messageId, delivery) => void (await call(() => stub.setDelivery(messageId, delivery))),
    schedule: (plan, once) => call(() => stub.schedule(plan, once)),
    changeSchedule: (id, changes) => call(() => stub.changeSchedule(id, changes)),
    cancelSchedule: (id) => call(() => stub.cancelSchedule(id)),
    fireSchedule: (id) => call(() => stub.fireSchedule(id)),
    stop: (once) => call(() => stub.stop(once)),
    decide: (decision) => call(() => stub.decide(decision)),
    erase: async () => void (await call(() => stub.erase())),
  };
}

const UPGRADE = { headers: { upgrade: "websocket" } };

/** The host is never resolved: the request goes to the object. */
export function urlOf(path: string, query: Record<string, string | null>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== null);
  return `https://object${path}?${new URLSearchParams(given).toString()}`;
}

export async function openSocket(upgrade: () => Promise<Response>): Promise<WebSocket> {
  const { webSocket } = await callResponse(upgrade);
  webSocket!.accept();
  return webSocket!;
}

const turnStream = (response: Response): TurnStream => ({
  messageId: response.headers.get("x-message-id") || null,
  scheduleId: response.headers.get("x-schedule-id"),
  types: (response.headers.get("x-types") ?? "").split(",") as TurnEventType[],
  events: response.body!,
});
