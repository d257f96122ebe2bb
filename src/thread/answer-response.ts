import { DomainError } from "../core/errors.ts";
import type { TurnEventType } from "../core/turn-events.ts";
import { waitAtMost } from "../lib/time.ts";
import { AnswerStream } from "./answer-stream.ts";

/** A caller learns within this time that an answer has begun, even if there is nothing to read yet. */
const HOLD_HEADERS_MS = 15_000;

/** Waits until there is something to read, so that a model that fails at once is an error and not an empty stream. */
export async function answerOn(stream: AnswerStream | null, types: readonly TurnEventType[]): Promise<Response> {
  if (!stream) return silence(types);
  await waitAtMost(HOLD_HEADERS_MS, stream.started);
  if (stream.failure) {
    const { code, message, retryAfterSeconds } = stream.failure;
    throw new DomainError(code, message, retryAfterSeconds ? { retryAfterSeconds } : {});
  }
  return streamResponse(stream, types, null);
}

export const streamResponse = (stream: AnswerStream, types: readonly TurnEventType[], after: string | null) =>
  new Response(stream.open(types, after), {
    headers: { "content-type": "text/event-stream", "x-message-id": stream.messageId, "x-types": types.join() },
  });

/** The stream of a post that is answered later; it names what is planned. */
export function answerLater(
  types: readonly TurnEventType[],
  posted: { messageId: string; scheduleId: string },
): Response {
  const response = silence(types);
  response.headers.set("x-message-id", posted.messageId);
  response.headers.set("x-schedule-id", posted.scheduleId);
  return response;
}

/** The stream of a post that nobody answers now. */
export function silence(types: readonly TurnEventType[], finishReason: "stop" | "tool-calls" = "stop"): Response {
  const stream = new AnswerStream({ id: "", seq: 0, parts: [] });
  stream.push([{ type: "finish", finishReason }]);
  stream.end();
  return streamResponse(stream, types, null);
}
