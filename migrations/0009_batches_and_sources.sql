-- Which documents a batch has put into its store; one may have come with several.
create table document_batch_members (
  batch_id text not null,
  document_id text not null,
  primary key (batch_id, document_id)
) without rowid;
drop index documents_by_batch;
alter table documents drop column batch_id;

-- Where a document that was not given but named is fetched from, each time that it is read.
alter table documents add column source_url text;
create index documents_by_source on documents (store_id, source_url) where source_url is not null;

-- What a chunk's vector was made of: chunks that say the same need only one to be made.
alter table knowledge_chunks add column text_hash text;
create index knowledge_chunks_by_text on knowledge_chunks (project_id, text_hash) where text_hash is not null;
