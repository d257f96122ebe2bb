import type { MODES } from "../db/schema.ts";

export type Mode = (typeof MODES)[number];

/** A thread as its object knows it. Times are milliseconds. */
export type ThreadState = {
  id: string;
  chatId: string;
  botId: string;
  personId: string | null;
  mode: Mode;
  /** Grows with every change of mode. */
  epoch: number;
  title: string | null;
  /** Messages of the person since somebody, bot or operator, last answered. */
  pendingCount: number;
  lastMessageAt: number | null;
  createdAt: number;
  stats: { total: number; user: number; bot: number };
};
