-- Had another number at first: what has it already is left as it is.
create index if not exists model_calls_by_message on model_calls (project_id, message_id) where message_id is not null;

-- What a bot and a person have used on one day (UTC), counted with each call: budgets are kept by it. What no bot has used,
-- as reading documents, is counted for a bot without an id.
create table if not exists usage_days (
  project_id text not null,
  scope text not null,
  day text not null,
  calls integer not null,
  input_tokens integer not null,
  output_tokens integer not null,
  cost integer not null,
  primary key (project_id, scope, day)
) without rowid;

create trigger if not exists model_calls_are_counted_for_bots after insert on model_calls begin
  insert into usage_days
  values (new.project_id, 'bot:' || coalesce(new.bot_id, ''), date(new.created_at / 1000, 'unixepoch'), 1, new.input_tokens,
    new.output_tokens, new.cost)
  on conflict do update set calls = calls + 1, input_tokens = input_tokens + excluded.input_tokens,
    output_tokens = output_tokens + excluded.output_tokens, cost = cost + excluded.cost;
end;

create trigger if not exists model_calls_are_counted_for_people after insert on model_calls when new.person_id is not null begin
  insert into usage_days
  values (new.project_id, 'person:' || new.person_id, date(new.created_at / 1000, 'unixepoch'), 1, new.input_tokens,
    new.output_tokens, new.cost)
  on conflict do update set calls = calls + 1, input_tokens = input_tokens + excluded.input_tokens,
    output_tokens = output_tokens + excluded.output_tokens, cost = cost + excluded.cost;
end;

insert or ignore into usage_days
select project_id, 'bot:' || coalesce(bot_id, ''), date(created_at / 1000, 'unixepoch'), count(*), sum(input_tokens),
  sum(output_tokens), sum(cost)
from model_calls group by 1, 2, 3;
insert or ignore into usage_days
select project_id, 'person:' || person_id, date(created_at / 1000, 'unixepoch'), count(*), sum(input_tokens),
  sum(output_tokens), sum(cost)
from model_calls where person_id is not null group by 1, 2, 3;

-- A balance that went below the threshold and of which nobody was told yet; written with the change itself.
create table if not exists balance_alerts (
  id text primary key,
  project_id text not null,
  credits integer not null,
  bonus integer not null
) without rowid;
create index if not exists balance_alerts_by_project on balance_alerts (project_id);

create trigger if not exists accounts_run_low after update of is_low on accounts when new.is_low = 1 and old.is_low = 0 begin
  insert into balance_alerts values (lower(hex(randomblob(16))), new.project_id, new.credits, new.bonus);
end;

-- Credits in micro-credits, the amount to pay in hundredths of the currency.
create table if not exists invoices (
  id text primary key,
  project_id text not null references projects (id),
  offer_id text not null,
  status text not null,
  credits integer not null,
  amount integer not null,
  currency text not null,
  provider text not null,
  -- What the provider calls it.
  reference text,
  payment_url text,
  created_at integer not null,
  paid_at integer
);
create index if not exists invoices_by_project on invoices (project_id, created_at, id);
