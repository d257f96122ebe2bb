import type { TurnFormat } from "./turn-response.ts";

/** The bare text of an answer, for a terminal. */
export const TEXT_STREAM: TurnFormat = {
  types: ["text-delta", "error"],
  headers: { "content-type": "text/plain; charset=utf-8" },
  encode: () => ({
    event(event) {
      if (event.type === "text-delta") return event.textDelta;
      return event.type === "error" ? `\n[${event.error}]\n` : "";
    },
    end: () => "\n",
  }),
};
