import type { JsonObject } from "../db/schema.ts";

/** A longer wait than this is a schedule, not a pause between two messages of one burst. */
const MAX_DEBOUNCE_MS = 60_000;

export type ChatSettings = {
  /** How long a chat waits for more messages of a burst before the bot answers all of them at once; null: as its channel does. */
  debounceMs: number | null;
};

/** Reads what the core knows of a chat's settings; the rest of them belongs to the channel. */
export function chatSettings(stored: JsonObject): ChatSettings {
  const given = stored["debounce_ms"];
  return { debounceMs: typeof given === "number" ? Math.min(Math.max(given, 0), MAX_DEBOUNCE_MS) : null };
}

const HOUR_MS = 3_600_000;

/** The hour, counted from 1970, under which a chat's messages are tallied. */
export const hourOf = (time: Date | number) => Math.floor(Number(time) / HOUR_MS);
