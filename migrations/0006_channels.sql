-- What was made for an integration beside the credentials it was given, sealed; how its set-up at the vendor stands.
alter table integrations add column secrets text;
alter table integrations add column set_up text not null default 'none';
alter table integrations add column error text;
create index integrations_to_set_up on integrations (id) where set_up = 'due';

-- A vendor's conversation and the thread that it is here.
create table conversations (
  project_id text not null,
  integration_id text not null,
  chat_id text not null,
  chat_key text not null,
  thread_id text not null,
  reachable integer not null,
  can_reply_until integer,
  created_at integer not null,
  primary key (chat_id, chat_key)
) without rowid;
create unique index conversations_by_thread on conversations (project_id, thread_id);
create index conversations_by_key on conversations (integration_id, chat_key);

-- What came in through a vendor's webhook, each event once. `due_at`: nobody takes it up before.
create table inbound_events (
  seq integer primary key,
  project_id text not null,
  integration_id text not null,
  event_id text not null,
  chat_key text not null,
  body text not null,
  attempts integer not null,
  due_at integer not null,
  received_at integer not null,
  done_at integer
);
create unique index inbound_events_once on inbound_events (integration_id, event_id);
create index inbound_events_waiting on inbound_events (integration_id, chat_key, seq) where done_at is null;
create index inbound_events_due on inbound_events (due_at) where done_at is null;
create index inbound_events_done on inbound_events (done_at) where done_at is not null;

-- What goes out to a vendor, in order for each thread. `sent_pieces` of its pieces the vendor has already.
create table channel_sends (
  id text primary key,
  project_id text not null,
  thread_id text not null,
  integration_id text not null,
  chat_key text not null,
  position integer not null,
  message_id text not null,
  author text not null,
  epoch integer not null,
  body text not null,
  status text not null,
  error text,
  attempts integer not null,
  sent_pieces integer not null,
  due_at integer not null,
  created_at integer not null,
  ended_at integer
) without rowid;
create index channel_sends_waiting on channel_sends (project_id, thread_id, position) where status = 'waiting';
create index channel_sends_due on channel_sends (due_at) where status = 'waiting';
create index channel_sends_of_integration on channel_sends (integration_id) where status = 'waiting';
create index channel_sends_of_thread on channel_sends (project_id, thread_id);
create index channel_sends_ended on channel_sends (ended_at) where ended_at is not null;
