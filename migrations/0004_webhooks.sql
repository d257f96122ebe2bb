create table webhook_endpoints (
  id text primary key,
  project_id text not null references projects (id),
  url text not null,
  status text not null,
  disabled_reason text,
  secret text not null,
  previous_secret text,
  previous_secret_until integer,
  failing_since integer,
  created_at integer not null,
  updated_at integer not null
);
create index webhook_endpoints_by_project on webhook_endpoints (project_id, created_at, id);

-- One row for each event and each endpoint that is to hear of it, written in the batch of the change itself.
-- While an attempt runs, due_at is when it counts as lost.
create table webhook_deliveries (
  endpoint_id text not null,
  event_id text not null,
  project_id text not null,
  thread_id text,
  type text not null,
  body text not null,
  status text not null,
  attempts integer not null,
  due_at integer not null,
  created_at integer not null,
  primary key (endpoint_id, event_id)
);
create index webhook_deliveries_by_creation on webhook_deliveries (endpoint_id, created_at, event_id);
create index webhook_deliveries_by_thread on webhook_deliveries (project_id, thread_id) where thread_id is not null;
create index webhook_deliveries_open on webhook_deliveries (endpoint_id, status, due_at)
  where status in ('pending', 'sending');
create index webhook_deliveries_due on webhook_deliveries (due_at) where status in ('pending', 'sending');

create table webhook_attempts (
  id text primary key,
  project_id text not null,
  endpoint_id text not null,
  event_id text not null,
  type text not null,
  attempt integer not null,
  status_code integer,
  error text,
  answer text,
  duration_ms integer not null,
  created_at integer not null
);
create index webhook_attempts_by_endpoint on webhook_attempts (endpoint_id, created_at, id);
