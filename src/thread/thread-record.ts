import { recallOf } from "../core/bot-settings.ts";
import type { ChannelAddress } from "../core/channels/channels.ts";
import type { ThreadBill } from "../core/billing/model-calls.ts";
import type { Posting } from "../core/ports.ts";
import type { Due } from "../core/schedules/schedule-state.ts";
import type { Mode, ThreadState } from "../core/thread-state.ts";
import type { TurnEventType } from "../core/turn-events.ts";

/** An answer that is owed: running, waiting its turn, or waiting for more messages of a burst. */
export type OpenTurn = {
  messageId: string;
  /** The answer was given in part before, and goes on now that its tool calls are decided. */
  continues: boolean;
  /** How often a crash has interrupted it before it said a word. */
  recoveries: number;
  /** Not started before this time, in milliseconds. */
  notBefore: number;
  /** How many parts of the answer went out before it was interrupted for approvals. */
  handedOver: number;
  /** What was due, for an answer that was not begun by a message. */
  due?: Due;
};

/** What the thread owes for model calls, with its place among all that it ever owed. */
export type LoggedBill = ThreadBill & { seq: number };

/** The one row that says where the thread stands. */
export type ThreadRecord = {
  projectId: string;
  id: string;
  chatId: string;
  botId: string;
  personId: string | null;
  /** Where the person reads the answers; null: nowhere but here. */
  address: ChannelAddress | null;
  /** The chat was in error when the thread last heard of it. */
  failing?: boolean;
  mode: Mode;
  /** Grows with every change of mode; a turn that began in an earlier epoch may not commit. */
  epoch: number;
  title: string | null;
  workingMemory: string | null;
  pendingCount: number;
  userMessages: number;
  botMessages: number;
  lastMessageAt: number | null;
  createdAt: number;
  /** The turn events that whoever wrote last understands. */
  types: readonly TurnEventType[];
  /** In the order in which they are answered. */
  openTurns: OpenTurn[];
  /** The newest row of the event log that D1 and the project's feed know of. */
  projected: number;
  /** What is owed and has not been passed on yet, oldest first; `billed` is the newest place that was given. */
  bills: LoggedBill[];
  billed: number;
  /** Where the bot has semantic recall, by which embedding model; null: that of new vector stores. */
  recall?: { embeddingModel: string | null };
  /** Set while the traces of a deleted thread are being removed elsewhere. */
  erased: boolean;
};

export const newRecord = (
  { projectId, threadId: id }: { projectId: string; threadId: string },
  { chatId, botId, personId, address, types }: Posting,
  createdAt: number,
): ThreadRecord => ({
  projectId,
  id,
  chatId,
  botId,
  personId,
  address: address ?? null,
  mode: "auto",
  epoch: 1,
  title: null,
  workingMemory: null,
  pendingCount: 0,
  userMessages: 0,
  botMessages: 0,
  lastMessageAt: null,
  createdAt,
  types,
  openTurns: [],
  projected: 0,
  bills: [],
  billed: 0,
  erased: false,
});

/** What changes with every message: who answers it, who wrote it, and how they are reached. */
export function takePosting(record: ThreadRecord, posting: Posting): void {
  record.failing = posting.failing ?? false;
  record.botId = posting.botId;
  record.personId = posting.personId ?? record.personId;
  record.address = posting.address ?? record.address;
  record.types = posting.types;
  const recall = recallOf(posting.settings);
  if (recall) record.recall = { embeddingModel: recall.embeddingModel };
  else delete record.recall;
}

export function readRecord(sql: SqlStorage): ThreadRecord | null {
  const [row] = sql.exec<{ record: string }>("select record from thread").toArray();
  return row ? (JSON.parse(row.record) as ThreadRecord) : null;
}

export function writeRecord(sql: SqlStorage, record: ThreadRecord): void {
  sql.exec("insert or replace into thread (id, record) values (1, ?)", JSON.stringify(record));
}

export const stateOf = (record: ThreadRecord): ThreadState => ({
  id: record.id,
  chatId: record.chatId,
  botId: record.botId,
  personId: record.personId,
  mode: record.mode,
  epoch: record.epoch,
  title: record.title,
  pendingCount: record.pendingCount,
  lastMessageAt: record.lastMessageAt,
  createdAt: record.createdAt,
  stats: {
    total: record.userMessages + record.botMessages,
    user: record.userMessages,
    bot: record.botMessages,
  },
});
