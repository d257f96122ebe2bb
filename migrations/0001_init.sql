create table projects (
  id text primary key,
  name text not null,
  organization_id text not null,
  avatar_url text,
  requests_per_minute integer,
  created_at integer not null
);

create table api_keys (
  id text primary key,
  project_id text not null references projects (id),
  name text not null,
  hash text not null unique,
  last_used_at integer,
  created_at integer not null
);
create index api_keys_by_project on api_keys (project_id, created_at, id);

create table bots (
  id text primary key,
  project_id text not null references projects (id),
  name text not null,
  description text,
  status text not null,
  settings text not null,
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer
);
create index bots_by_project on bots (project_id, created_at, id);

create table integrations (
  id text primary key,
  project_id text not null references projects (id),
  name text not null,
  vendor text not null,
  status text not null,
  credentials text not null,
  settings text not null,
  created_at integer not null,
  updated_at integer not null
);
create index integrations_by_project on integrations (project_id, created_at, id);

create table chats (
  id text primary key,
  project_id text not null references projects (id),
  bot_id text not null references bots (id),
  integration_id text not null,
  name text not null,
  status text not null,
  settings text not null,
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer
);
create index chats_by_project on chats (project_id, created_at, id);
create index chats_by_integration on chats (integration_id, created_at, id);
create unique index chats_identical on chats (integration_id, bot_id, name) where deleted_at is null;
create index chats_deleted on chats (deleted_at) where deleted_at is not null;

create table people (
  id text primary key,
  project_id text not null references projects (id),
  integration_id text not null,
  external_id text not null,
  name text,
  avatar_url text,
  created_at integer not null
);
create unique index people_by_external_id on people (integration_id, external_id);

-- What lists show of a thread. The thread's object is the authority; `version` says how new this copy is.
create table threads (
  project_id text not null,
  id text not null,
  chat_id text not null,
  bot_id text not null,
  person_id text,
  mode text not null,
  title text,
  pending_count integer not null,
  last_message_at integer,
  created_at integer not null,
  version integer not null,
  primary key (project_id, id)
) without rowid;
create index threads_by_project on threads (project_id, created_at, id);
create index threads_by_chat on threads (chat_id, created_at, id);
create index threads_by_bot on threads (bot_id, created_at, id);

-- One row per flush of a thread. `scope` holds the project and the thread as tokens, so that no search walks another tenant's rows.
create virtual table message_search using fts5 (
  scope,
  text,
  thread_id unindexed,
  tokenize = "unicode61 remove_diacritics 2",
  columnsize = 0
);

create table chat_hours (
  chat_id text not null,
  hour integer not null,
  messages integer not null,
  primary key (chat_id, hour)
) without rowid;

-- The first answer to a POST that carried an Idempotency-Key, sealed; for a create it is written in the batch of the insert.
create table idempotent_answers (
  project_id text not null,
  key text not null,
  request_hash text not null,
  answer text not null,
  created_at integer not null,
  primary key (project_id, key)
) without rowid;
create index idempotent_answers_by_age on idempotent_answers (created_at);
