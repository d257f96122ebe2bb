-- What bots with semantic recall may remember of earlier messages: a copy of what was said, as far as it was said for good.
create table recalled_messages (
  id integer primary key autoincrement,
  project_id text not null,
  thread_id text not null,
  person_id text,
  message_id text not null,
  seq integer not null,
  author text not null,
  text text not null,
  created_at integer not null,
  -- Where its vector lies; null: it has none.
  space integer
);
create unique index recalled_messages_by_place on recalled_messages (project_id, thread_id, seq);
create index recalled_messages_by_person on recalled_messages (project_id, person_id) where person_id is not null;

-- The words of each, cut to stems and marked with their project; the scope names its thread and its person.
create virtual table recalled_search using fts5 (
  scope,
  terms,
  content = '',
  contentless_delete = 1,
  tokenize = "unicode61 remove_diacritics 0"
);

-- How far a thread is remembered. `wanted` grows with what is said; `due_at` says from when on somebody may claim the work.
create table recalled_threads (
  project_id text not null,
  thread_id text not null,
  person_id text,
  embedding_model text not null,
  done_seq integer not null,
  wanted integer not null,
  due_at integer,
  claim text,
  attempts integer not null,
  primary key (project_id, thread_id)
) without rowid;
create index recalled_threads_due on recalled_threads (due_at) where due_at is not null;
