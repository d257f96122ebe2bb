import type { FeedPort, LiveBatch, Reservation, Settlement } from "../core/ports.ts";
import { call, type Rpc } from "./rpc.ts";
import { openSocket, urlOf } from "./thread-port.ts";

/** What a project's feed object offers by RPC; its listeners come through `fetch`. */
export interface FeedRpc {
  publish(batches: LiveBatch[], settled?: Settlement[]): Promise<Rpc<null>>;
  reserve(projectId: string, reservation: Reservation): Promise<Rpc<number>>;
  forgetBalance(): Promise<Rpc<null>>;
  issueTicket(projectId: string, threadId: string | null): Promise<Rpc<{ ticket: string; expiresAt: number }>>;
  redeemTicket(ticket: string, threadId: string | null, returning: boolean): Promise<Rpc<boolean>>;
  admit(requestsPerMinute: number): Promise<Rpc<number>>;
}

type Stub = FeedRpc & Pick<Fetcher, "fetch">;

/** The core's port to a project's live events, made of their object. */
export function feedPort(namespace: DurableObjectNamespace, projectId: string): FeedPort {
  // The object's class is not known here; FeedRpc is what it implements.
  const stub = namespace.get(namespace.idFromName(projectId)) as unknown as Stub;
  return {
    publish: async (batches, settled = []) => void (await call(() => stub.publish(batches, settled))),
    reserve: (reservation) => call(() => stub.reserve(projectId, reservation)),
    forgetBalance: async () => void (await call(() => stub.forgetBalance())),
    listen: (after) => openSocket(() => stub.fetch(urlOf("/listen", { after }), { headers: { upgrade: "websocket" } })),
    async issueTicket(threadId) {
      const { ticket, expiresAt } = await call(() => stub.issueTicket(projectId, threadId));
      return { ticket, expiresAt: new Date(expiresAt) };
    },
    redeemTicket: (ticket, threadId, returning) => call(() => stub.redeemTicket(ticket, threadId, returning)),
    admit: (requestsPerMinute) => call(() => stub.admit(requestsPerMinute)),
  };
}
