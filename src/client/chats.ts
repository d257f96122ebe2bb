import { Answer } from "./answer.ts";
import { path, randomKey, type Call, type CallOptions, type Connection } from "./connection.ts";
import type {
  Chat,
  Deleted,
  ListQuery,
  Message,
  MessageQuery,
  Mode,
  SetMode,
  Stopped,
  StreamMessages,
  Thread,
} from "./types.ts";

const threadPath = (chatId: string, threadId: string) => path`/chats/${chatId}/threads/${threadId}`;

export const chats = (connection: Connection) => ({
  list: (query?: ListQuery, options?: CallOptions) => connection.list<Chat[]>("/chats", query, options),
  get: (chatId: string, options?: CallOptions) => connection.get<Chat>(path`/chats/${chatId}`, options),

  threads: {
    list: (chatId: string, query?: ListQuery, options?: CallOptions) =>
      connection.list<Thread[]>(path`/chats/${chatId}/threads`, query, options),

    /** Says something in a thread, which begins with it if it is new, and resolves when the answer begins. */
    async stream(chatId: string, threadId: string, body: StreamMessages, options: CallOptions = {}): Promise<Answer> {
      const thread = threadPath(chatId, threadId);
      const { signal, idempotencyKey = randomKey() } = options;
      const post: Call = { method: "POST", path: `${thread}/stream`, body, idempotencyKey, signal };
      // A POST is always answered with a stream.
      return (await Answer.open(connection, thread, post))!;
    },

    /** The running answer from its beginning, or the rest of one after its event `lastEventId`; null: there is none. */
    resume(
      chatId: string,
      threadId: string,
      { lastEventId, ...options }: CallOptions & { lastEventId?: string } = {},
    ): Promise<Answer | null> {
      const thread = threadPath(chatId, threadId);
      const headers: Record<string, string> = lastEventId ? { "last-event-id": lastEventId } : {};
      return Answer.open(
        connection,
        thread,
        { ...options, method: "GET", path: `${thread}/stream`, headers },
        lastEventId,
      );
    },

    /** Ends the answer that is being made; it keeps what it said. */
    stop: (chatId: string, threadId: string, options?: CallOptions) =>
      connection.post<Stopped>(`${threadPath(chatId, threadId)}/stop`, undefined, options),
    delete: (chatId: string, threadId: string, options?: CallOptions) =>
      connection.post<Deleted>(`${threadPath(chatId, threadId)}/delete`, undefined, options),
    setMode: (chatId: string, threadId: string, mode: Mode, options?: CallOptions) =>
      connection.post<SetMode>(`${threadPath(chatId, threadId)}/mode`, { mode }, options),

    messages: {
      /** Oldest first, if not asked otherwise. */
      list: (chatId: string, threadId: string, query?: MessageQuery, options?: CallOptions) =>
        connection.list<Message[]>(`${threadPath(chatId, threadId)}/messages`, query, options),
    },
  },
});
