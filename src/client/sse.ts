/** `data` is empty where an id alone moves the reader's place on. */
export type SseEvent = { id: string; data: string };

/** The server is heard of every 15 seconds; after this silence the connection is taken for dead. */
const SILENCE_MS = 45_000;

/**
 * The events of a stream, whose pieces may be cut anywhere. A connection that breaks is its end, and no error; leaving the
 * loop closes it.
 */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<SseEvent, void, undefined> {
  const [reader, decoder] = [body.getReader(), new TextDecoder()];
  const close = () => void reader.cancel().catch(() => undefined);
  let [rest, block] = ["", [] as string[]];
  try {
    for (;;) {
      const timer = setTimeout(close, SILENCE_MS);
      const piece = await reader.read().catch(() => null);
      clearTimeout(timer);
      if (!piece?.value) return;
      // A CR at the very end may be the first half of a CRLF.
      const lines = (rest + decoder.decode(piece.value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop()!;
      for (const line of lines) {
        if (line) block.push(line);
        else if (block.length > 0) yield eventFrom(block.splice(0));
      }
    }
  } finally {
    close();
  }
}

function eventFrom(block: string[]): SseEvent {
  const values = (field: string) =>
    block.filter((line) => line.startsWith(`${field}:`)).map((line) => line.slice(field.length + 1).replace(/^ /, ""));
  return { id: values("id").at(-1) ?? "", data: values("data").join("\n") };
}
