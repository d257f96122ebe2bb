-- One authorization that somebody has begun at a vendor; used once, and only its hash is kept.
create table oauth_states (
  hash text primary key,
  project_id text not null,
  integration_id text not null,
  verifier text not null,
  expires_at integer not null
) without rowid;
create index oauth_states_by_age on oauth_states (expires_at);

-- When an integration's access ends unless it is renewed; null: it does not end by itself.
alter table integrations add column access_ends_at integer;
create index integrations_access_ends on integrations (access_ends_at) where access_ends_at is not null;
