/** The tables of one thread, created with its first write: asking for a thread that was never written leaves no trace. */
export const SCHEMA = `
  create table thread (
    project_id text not null,
    id text not null,
    chat_id text not null,
    bot_id text not null,
    person_id text,
    address text,
    mode text not null,
    epoch integer not null,
    title text,
    working_memory text,
    pending_count integer not null,
    user_messages integer not null,
    bot_messages integer not null,
    last_message_at integer,
    created_at integer not null,
    types text not null,
    open_turns text not null,
    projected integer not null,
    erased integer not null
  );
  create table messages (
    seq integer primary key,
    id text not null unique,
    role text not null,
    author text not null,
    status text not null,
    parts text not null,
    created_at integer not null,
    finish_reason text,
    model text,
    usage text,
    error text,
    delivery text
  );
  create table approvals (
    id text primary key,
    message_id text not null,
    tool_call_id text not null,
    tool_name text not null,
    args text not null,
    requested_from text not null,
    status text not null,
    reason text,
    created_at integer not null
  );
  create table sends (
    position integer primary key autoincrement,
    id text not null,
    message_id text not null,
    author text not null,
    epoch integer not null,
    body text not null,
    created_at integer not null
  );
  create table once (
    key text primary key,
    request_hash text not null,
    message_id text,
    created_at integer not null
  );
`;
