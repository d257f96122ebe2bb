-- What is due later in a thread. The thread's object is the authority; `version` says how new this copy is. The clock reads
-- here what must be woken: `rung_at` is when a bell was last rung for it.
create table schedules (
  id text primary key,
  project_id text not null,
  thread_id text not null,
  kind text not null,
  status text not null,
  text text not null,
  due_at integer not null,
  message_id text,
  cancel_if_reply integer not null,
  created_by text not null,
  cron text,
  time_zone text,
  max_executions integer,
  missed text,
  executions integer not null,
  last_run_at integer,
  end_reason text,
  created_at integer not null,
  updated_at integer not null,
  version integer not null,
  rung_at integer
);
create index schedules_by_thread on schedules (project_id, thread_id, created_at, id);
create index schedules_by_project on schedules (project_id, created_at, id);
create index schedules_open on schedules (project_id, cron) where status in ('pending', 'paused');
create index schedules_due on schedules (due_at) where status = 'pending';

create table schedule_runs (
  schedule_id text not null,
  due_at integer not null,
  ran_at integer not null,
  outcome text not null,
  reason text,
  message_id text,
  primary key (schedule_id, due_at)
) without rowid;
