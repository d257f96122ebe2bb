import { expect, it } from "vitest";
import { turnEventFrame } from "../../src/core/turn-events.ts";
import { TEXT_STREAM } from "../../src/http/text-stream.ts";
import { turnResponse, type TurnFormat } from "../../src/http/turn-response.ts";
import { UI_MESSAGE_STREAM } from "../../src/http/ui-stream.ts";

const HEARTBEAT = ": \n\n";

/** What a reader of a format gets of an answer whose model thinks for a while before its only word. */
async function readWaiting(format: TurnFormat): Promise<string> {
  const word = turnEventFrame({ id: "1.1.2", event: { type: "text-delta", textDelta: "Hi" } });
  const events = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const text of [HEARTBEAT, HEARTBEAT, word]) controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
  return turnResponse({ messageId: "m", scheduleId: null, types: format.types, events }, "t", format).text();
}

it("keeps the connection of a reader open who waits for a message stream", async () => {
  const text = await readWaiting(UI_MESSAGE_STREAM);
  expect(text.startsWith(HEARTBEAT + HEARTBEAT)).toBe(true);
  expect(text).toContain('"delta":"Hi"');
});

it("writes nothing into plain text that the bot did not say", async () => {
  expect(await readWaiting(TEXT_STREAM)).toBe("Hi\n");
});
