import { createParser } from "eventsource-parser";
import type { TurnStream } from "../core/ports.ts";
import type { TurnEvent, TurnEventType } from "../core/turn-events.ts";
import { PieceDecoder } from "../lib/text.ts";
import { SSE_HEADERS } from "./live-stream.ts";

const encoder = new TextEncoder();

/** A wire format of an answer that is made of turn events: which it needs, and what it makes of each. */
export type TurnFormat = {
  types: readonly TurnEventType[];
  headers: Record<string, string>;
  /** Absent where the turn events themselves are the wire format: they pass through untouched. */
  encode?: () => Encoder;
};

type Encoder = {
  event: (event: TurnEvent, id: string) => string;
  /** What keeps the connection of a waiting reader open; absent where nothing may be written that is not text. */
  beat?: () => string;
  end: () => string;
};

export function turnResponse(
  { messageId, scheduleId, events }: TurnStream,
  threadId: string,
  format: TurnFormat,
): Response {
  const headers = {
    ...SSE_HEADERS,
    ...format.headers,
    "x-thread-id": threadId,
    ...(messageId ? { "x-message-id": messageId } : {}),
    ...(scheduleId ? { "x-schedule-id": scheduleId } : {}),
  };
  return new Response(format.encode ? encoded(events, format.encode()) : events, { headers });
}

/** Reads turn events and writes them in another format, each group that came together in one go. */
function encoded(events: ReadableStream<Uint8Array>, format: Encoder): ReadableStream<Uint8Array> {
  const [reader, decoder, written] = [events.getReader(), new PieceDecoder(), [] as string[]];
  const parser = createParser({
    onEvent: ({ data, id }) => written.push(format.event(JSON.parse(data) as TurnEvent, id ?? "")),
    onComment: () => written.push(format.beat?.() ?? ""),
  });
  const next = async (): Promise<string | null> => {
    const { done, value } = await reader.read();
    if (done) return null;
    parser.feed(decoder.decode(value));
    return written.splice(0).join("");
  };
  return new ReadableStream(
    {
      async pull(controller) {
        let text = await next();
        while (text === "") text = await next();
        const last = text === null ? format.end() : "";
        if (text ?? last) controller.enqueue(encoder.encode(text ?? last));
        if (text === null) controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
