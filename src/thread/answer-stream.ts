import type { TurnFailure } from "../agent/turn-ports.ts";
import { citationData, citationsIn } from "../core/knowledge/citations.ts";
import { textOf, WORKING_MEMORY_TOOL, type Message, type MessagePart } from "../core/messages.ts";
import { turnEventFrame, type TurnEvent, type TurnEventType } from "../core/turn-events.ts";

const HEARTBEAT_MS = 15_000;
const encoder = new TextEncoder();

type Frame = { type: TurnEventType; text: string };
type Reader = { types: ReadonlySet<TurnEventType>; controller: ReadableStreamDefaultController<Uint8Array> };

/**
 * One answer as it is made, for any number of readers who may come late or come back. Events have ids of the form
 * `<message's place>.<number of the event>.<characters of text so far>`.
 */
export class AnswerStream {
  readonly messageId: string;
  /** Resolves when there is something to read, or when the answer has ended. */
  readonly started: Promise<void>;
  /** Why there is nothing to read, where the answer failed before a word was said. */
  failure: TurnFailure | null = null;
  #start: () => void = () => undefined;
  #frames: Frame[] = [];
  /** How much text the answer has so far. */
  characters: number;
  #ended = false;
  readonly #seq: number;
  /** The number after which this stream's events are numbered. */
  readonly #from: number;
  readonly #readers = new Set<Reader>();
  #heartbeat: ReturnType<typeof setInterval> | undefined;

  /** `from` must be beyond all numbers of an earlier stream of the same message: its readers come back with them. */
  constructor(message: { id: string; seq: number; parts: MessagePart[] }, from = 0) {
    this.messageId = message.id;
    this.#seq = message.seq;
    this.#from = from;
    this.characters = textOf(message.parts).length;
    this.started = new Promise((resolve) => (this.#start = resolve));
  }

  push(events: TurnEvent[]): void {
    const fresh = events.map((event, index) => this.#place(event, this.#frames.length + index + 1));
    this.#frames.push(...fresh);
    for (const reader of this.#readers) this.#write(reader, fresh);
    if (events.some(({ type }) => type !== "start")) this.#start();
  }

  end(): void {
    this.#ended = true;
    this.#start();
    if (this.#heartbeat !== undefined) clearInterval(this.#heartbeat);
    for (const { controller } of this.#readers) closeQuietly(controller);
    this.#readers.clear();
  }

  /** What comes after an event id, or all of it, and then what is still to come. */
  open(types: readonly TurnEventType[], after: string | null = null): ReadableStream<Uint8Array> {
    let reader: Reader;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        reader = { types: new Set(types), controller };
        this.#write(reader, this.#frames.slice(this.#seen(after)));
        if (this.#ended) return controller.close();
        this.#readers.add(reader);
        this.#heartbeat ??= setInterval(() => this.#beat(), HEARTBEAT_MS);
        return undefined;
      },
      cancel: () => void this.#readers.delete(reader),
    });
  }

  #place(event: TurnEvent, number: number): Frame {
    if (event.type === "text-delta") this.characters += event.textDelta.length;
    const id = `${this.#seq}.${this.#from + number}.${this.characters}`;
    return { type: event.type, text: turnEventFrame({ id, event }) };
  }

  /** How many events the reader has had; one of another answer has had none of this. */
  #seen(after: string | null): number {
    const place = readEventId(after);
    return place?.seq === this.#seq ? Math.max(place.event - this.#from, 0) : 0;
  }

  #write(reader: Reader, frames: Frame[]): void {
    let text = "";
    for (const frame of frames) if (reader.types.has(frame.type)) text += frame.text;
    if (text) enqueue(reader.controller, encoder.encode(text));
  }

  #beat(): void {
    for (const { controller } of this.#readers) enqueue(controller, encoder.encode(": \n\n"));
  }
}

/** A reader that left is not an error; the answer goes on. */
function enqueue(controller: ReadableStreamDefaultController<Uint8Array>, chunk: Uint8Array): void {
  try {
    controller.enqueue(chunk);
  } catch {
    // The reader's cancel comes, or came, and removes it.
  }
}

function closeQuietly(controller: ReadableStreamDefaultController<Uint8Array>): void {
  try {
    controller.close();
  } catch {
    // Cancelled before: there is nobody to tell.
  }
}

export type EventPlace = { seq: number; event: number; characters: number };

export function readEventId(id: string | null): EventPlace | null {
  const match = /^(\d{1,15})\.(\d{1,15})\.(\d{1,15})$/.exec(id ?? "");
  return match && { seq: Number(match[1]), event: Number(match[2]), characters: Number(match[3]) };
}

/** Plays a stored answer, in the events in which it would have been made; `from` leaves out the text that a reader has had. */
export function replay(message: Message & { seq: number }, from: EventPlace | null): AnswerStream {
  const stream = new AnswerStream({ ...message, parts: [] });
  const seen = from?.seq === message.seq ? from : null;
  stream.characters = seen?.characters ?? 0;
  stream.push(seen ? tailEvents(message, seen.characters) : wholeEvents(message));
  stream.end();
  return stream;
}

const wholeEvents = (message: Message): TurnEvent[] => [
  { type: "start", messageId: message.id },
  ...message.parts.flatMap(partEvents),
  ...endEvents(message),
];

function tailEvents(message: Message, characters: number): TurnEvent[] {
  const textDelta = textOf(message.parts).slice(characters);
  return [...(textDelta ? [{ type: "text-delta" as const, textDelta }] : []), ...endEvents(message)];
}

function partEvents(part: MessagePart): TurnEvent[] {
  switch (part.type) {
    case "text":
      return [{ type: "text-delta", textDelta: part.text }];
    case "file":
    case "source":
      return [];
    case "tool-call":
      return part.toolName === WORKING_MEMORY_TOOL ? [] : [part];
    case "tool-result": {
      const { toolCallId, toolName, result, outcome } = part;
      if (toolName === WORKING_MEMORY_TOOL) return [];
      const event = { type: "tool-result" as const, toolCallId, toolName, result };
      return [outcome === "ok" ? event : { ...event, outcome }];
    }
  }
}

/** How an answer ends, said in the stream: a finish where it is as somebody wanted it, an error where it is not. */
export function endEvents({
  status,
  finishReason,
  error,
  parts,
}: Pick<Message, "status" | "finishReason" | "error" | "parts">): TurnEvent[] {
  if (status === "failed" || status === "interrupted") return [{ type: "error", error: error ?? status }];
  const citations = citationsIn(parts).map(citationData);
  return [{ type: "finish", finishReason: finishReason ?? "stop", ...(citations.length > 0 ? { citations } : {}) }];
}
