import type { Connection } from "./connection.ts";
import { ENDLESS, pause } from "./patience.ts";
import { readEvents } from "./sse.ts";
import type { ThreadEvent } from "./types.ts";

export type EventsOptions = {
  /** Ends the loop. */
  signal?: AbortSignal;
  /** Brings first what was missed since. */
  lastEventId?: string;
};

const RECONNECT_MS = 500;

/** Live events for as long as somebody loops over them; a connection that is lost is made again. */
export async function* liveEvents(
  connection: Connection,
  path: string,
  { signal, lastEventId = "" }: EventsOptions = {},
): AsyncGenerator<ThreadEvent, void, undefined> {
  try {
    for (;;) {
      const headers: Record<string, string> = lastEventId ? { "last-event-id": lastEventId } : {};
      const response = await connection.open({ method: "GET", path, headers, signal, patience: ENDLESS });
      for await (const { id, data } of readEvents(response.body!)) {
        lastEventId = id || lastEventId;
        if (data) yield JSON.parse(data) as ThreadEvent;
      }
      await pause(RECONNECT_MS, signal);
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
