import type { ChannelAddress } from "../core/channels.ts";
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
};

/** The one row that says where the thread stands. */
export type ThreadRecord = {
  projectId: string;
  id: string;
  chatId: string;
  botId: string;
  personId: string | null;
  /** Where the person reads the answers; null: nowhere but here. */
  address: ChannelAddress | null;
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
  /** Set while the traces of a deleted thread are being removed elsewhere. */
  erased: boolean;
};

type Row = { [column: string]: string | number | null };

export function readRecord(sql: SqlStorage): ThreadRecord | null {
  const [row] = sql.exec<Row>("select * from thread").toArray();
  return row ? recordOf(row) : null;
}

export function writeRecord(sql: SqlStorage, record: ThreadRecord): void {
  const row = rowOf(record);
  const columns = Object.keys(row);
  sql.exec(
    `insert or replace into thread (rowid, ${columns.join(", ")}) values (1, ${columns.map(() => "?").join(", ")})`,
    ...Object.values(row),
  );
}

export const markProjected = (sql: SqlStorage, seq: number) =>
  void sql.exec("update thread set projected = ? where projected < ?", seq, seq);

const recordOf = (row: Row): ThreadRecord => ({
  projectId: row["project_id"] as string,
  id: row["id"] as string,
  chatId: row["chat_id"] as string,
  botId: row["bot_id"] as string,
  personId: row["person_id"] as string | null,
  address: row["address"] ? (JSON.parse(row["address"] as string) as ChannelAddress) : null,
  mode: row["mode"] as Mode,
  epoch: row["epoch"] as number,
  title: row["title"] as string | null,
  workingMemory: row["working_memory"] as string | null,
  pendingCount: row["pending_count"] as number,
  userMessages: row["user_messages"] as number,
  botMessages: row["bot_messages"] as number,
  lastMessageAt: row["last_message_at"] as number | null,
  createdAt: row["created_at"] as number,
  types: (row["types"] as string).split(",") as TurnEventType[],
  openTurns: JSON.parse(row["open_turns"] as string) as OpenTurn[],
  projected: row["projected"] as number,
  erased: row["erased"] === 1,
});

const rowOf = (record: ThreadRecord): Row => ({
  project_id: record.projectId,
  id: record.id,
  chat_id: record.chatId,
  bot_id: record.botId,
  person_id: record.personId,
  address: record.address && JSON.stringify(record.address),
  mode: record.mode,
  epoch: record.epoch,
  title: record.title,
  working_memory: record.workingMemory,
  pending_count: record.pendingCount,
  user_messages: record.userMessages,
  bot_messages: record.botMessages,
  last_message_at: record.lastMessageAt,
  created_at: record.createdAt,
  types: record.types.join(),
  open_turns: JSON.stringify(record.openTurns),
  projected: record.projected,
  erased: record.erased ? 1 : 0,
});

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
