import * as z from "zod";
import { WebUrl } from "./parts.ts";
import { Citation, Later } from "./threads.ts";

const Person = z.object({
  external_id: z.string().min(1).max(200),
  name: z.string().max(200).nullish(),
  avatar_url: WebUrl.max(2000).nullish(),
});

const SeedMessage = z.object({
  role: z.literal("user"),
  content: z
    .string()
    .min(1)
    .max(200_000)
    .refine((text) => text.trim() !== "", "must not be empty"),
});

/** What the documentation describes. */
export const StreamMessages = z
  .object({
    messages: z.array(SeedMessage).min(1).max(100),
    ...Later,
    person: Person.optional(),
  })
  .meta({
    id: "StreamMessages",
    example: { messages: [{ role: "user", content: "What is your return policy?" }] },
  });

const UiPart = z.looseObject({ type: z.string(), text: z.string().optional() });
const UiMessage = z.looseObject({
  id: z.string().max(128).optional(),
  role: z.enum(["user", "assistant", "system"]),
  parts: z.array(UiPart).max(1000),
});

/** What the AI SDK's chat transport sends: the whole history, of which only the newest message is taken. */
export const StreamUiMessages = z
  .object({
    id: z.string().optional(),
    messages: z.array(UiMessage).min(1).max(1000),
    trigger: z.enum(["submit-message", "regenerate-message"]).optional(),
    messageId: z.string().optional(),
    ...Later,
    person: Person.optional(),
  })
  .meta({
    id: "StreamUiMessages",
    example: {
      id: "thread-1",
      trigger: "submit-message",
      messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: "What is your return policy?" }] }],
    },
  });

export const StreamBody = z.union([StreamMessages, StreamUiMessages]);

export const StreamQuery = z.object({
  protocol: z
    .enum(["ui", "text"])
    .optional()
    .meta({ description: "`ui`: the AI SDK's UI message stream; `text`: the bare text" }),
});

export const StreamEvent = z
  .union([
    z.object({ type: z.literal("text-delta"), textDelta: z.string() }),
    z.object({ type: z.literal("tool-call"), toolCallId: z.string(), toolName: z.string(), args: z.unknown() }),
    z.object({ type: z.literal("tool-result"), toolCallId: z.string(), toolName: z.string(), result: z.unknown() }),
    z.object({
      type: z.literal("finish"),
      finishReason: z.enum(["stop", "tool-calls", "length"]),
      citations: z.array(Citation).optional(),
    }),
    z.object({ type: z.literal("error"), error: z.string() }),
  ])
  .meta({
    id: "StreamEvent",
    examples: [
      { type: "text-delta", textDelta: "Within 30 " },
      { type: "text-delta", textDelta: "days." },
      { type: "finish", finishReason: "stop" },
    ],
  });

export const Stopped = z.object({ stopped: z.boolean() }).meta({ id: "Stopped" });
