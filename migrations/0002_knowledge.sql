-- What bots may look up. A store holds documents: files whose text was cut into chunks that a search finds.
create table knowledge_stores (
  id text primary key,
  project_id text not null references projects (id),
  name text not null,
  description text,
  metadata text not null,
  -- The vectors that are searched: made by which model, kept in which space of the index.
  embedding_model text not null,
  space integer not null,
  -- Those that a change of the model is building meanwhile.
  next_model text,
  next_space integer,
  expires_after_days integer,
  last_active_at integer not null,
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer
);
create index knowledge_stores_by_project on knowledge_stores (project_id, created_at, id);
create index knowledge_stores_rebuilding on knowledge_stores (updated_at) where next_space is not null;
create index knowledge_stores_deleted on knowledge_stores (deleted_at) where deleted_at is not null;

-- What was uploaded; the bytes lie in the bucket. `owned`: it was made for one store and goes with it.
create table files (
  id text primary key,
  project_id text not null references projects (id),
  filename text not null,
  purpose text not null,
  bytes integer not null,
  content_hash text not null,
  owned integer not null,
  created_at integer not null,
  deleted_at integer
);
create index files_by_project on files (project_id, created_at, id);
create index files_deleted on files (deleted_at) where deleted_at is not null;

-- A file in a store. While it is pending, `due_at` says from when on it may be claimed; a claim moves it to its own end.
-- Of its chunks those of `version` are searched; others are being written, or left over.
create table documents (
  project_id text not null,
  store_id text not null,
  id text not null,
  filename text not null,
  content_hash text not null,
  bytes integer not null,
  status text not null,
  attributes text not null,
  chunking text,
  batch_id text,
  version text,
  chunk_count integer not null,
  text_bytes integer not null,
  space integer,
  next_space integer,
  claim text,
  due_at integer,
  attempts integer not null,
  error_code text,
  last_error text,
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer,
  primary key (store_id, id)
) without rowid;
create index documents_by_store on documents (store_id, created_at, id);
create index documents_by_file on documents (id);
create index documents_by_content on documents (store_id, content_hash);
create index documents_by_batch on documents (batch_id) where batch_id is not null;
create index documents_due on documents (due_at) where status = 'pending';
create index documents_deleted on documents (deleted_at) where deleted_at is not null;

create table document_batches (
  id text primary key,
  project_id text not null,
  store_id text not null,
  cancelled_at integer,
  created_at integer not null
);
create index document_batches_by_store on document_batches (store_id, created_at, id);

create table knowledge_chunks (
  id integer primary key autoincrement,
  project_id text not null,
  store_id text not null,
  document_id text not null,
  version text not null,
  position integer not null,
  text text not null,
  headings text not null,
  place text
);
create index knowledge_chunks_by_document on knowledge_chunks (store_id, document_id, version, position);

-- The words of each chunk, cut to stems and marked with their project, so that no search walks another tenant's rows.
create virtual table knowledge_search using fts5 (
  scope,
  terms,
  content = '',
  contentless_delete = 1,
  tokenize = "unicode61 remove_diacritics 0"
);
