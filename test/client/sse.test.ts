import { array, assert, asyncProperty, integer } from "fast-check";
import { expect, it, vi } from "vitest";
import { readEvents, type SseEvent } from "../../src/client/sse.ts";

const STREAM = [
  ": hello",
  "",
  "id: 1",
  'data: {"text":"Привет 👩🏽‍💻"}',
  "",
  "event: whatever",
  "data:no space",
  "data:  two lines",
  "id: 2",
  "",
  "id: 3",
  "",
  "data: cut off",
];

async function read(bytes: Uint8Array, cuts: number[]): Promise<SseEvent[]> {
  const places = [...new Set([0, ...cuts, bytes.length])].toSorted((a, b) => a - b);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      places.slice(1).forEach((end, index) => controller.enqueue(bytes.slice(places[index], end)));
      controller.close();
    },
  });
  const events: SseEvent[] = [];
  for await (const event of readEvents(body)) events.push(event);
  return events;
}

it.each(["\n", "\r\n", "\r"])("reads events whose bytes are cut anywhere (lines ended by %j)", async (end) => {
  const bytes = new TextEncoder().encode(STREAM.join(end));
  const cuts = array(integer({ min: 0, max: bytes.length }), { maxLength: 20 });
  await assert(
    asyncProperty(cuts, async (places) => {
      const events = await read(bytes, places);
      expect(events.filter(({ id, data }) => id || data)).toEqual([
        { id: "1", data: '{"text":"Привет 👩🏽‍💻"}' },
        { id: "2", data: "no space\n two lines" },
        { id: "3", data: "" },
      ]);
    }),
  );
});

it("takes a connection that has been silent for too long for a dead one", async () => {
  vi.useFakeTimers();
  const reading = readEvents(new ReadableStream()).next();
  await vi.advanceTimersByTimeAsync(60_000);
  vi.useRealTimers();
  expect(await reading).toMatchObject({ done: true });
});
