-- All amounts are whole micro-credits. A balance changes by a transaction and by nothing else.
create table accounts (
  project_id text primary key references projects (id),
  tariff text not null default 'default',
  credits integer not null default 0 check (credits >= 0),
  bonus integer not null default 0 check (bonus >= 0),
  -- Whether the balance was below the threshold after its last change: a crossing is told once.
  is_low integer not null default 0,
  -- How many transactions there are, so that nobody has to count them.
  transactions integer not null default 0,
  subscription_until integer
) without rowid;

-- What is added is positive, what is taken is negative: the sum of all is the balance.
create table transactions (
  project_id text not null,
  id text not null,
  type text not null,
  credits integer not null,
  bonus integer not null,
  description text not null,
  created_at integer not null,
  primary key (project_id, id)
) without rowid;
create index transactions_by_time on transactions (project_id, created_at, id);

create trigger transactions_change_balances after insert on transactions begin
  update accounts
  set credits = credits + new.credits, bonus = bonus + new.bonus, transactions = transactions + 1
  where project_id = new.project_id;
end;

create trigger transactions_stay before update on transactions begin
  select raise(abort, 'a transaction is never changed');
end;

-- One row for each call of a model, whether it costs something or not.
create table model_calls (
  project_id text not null,
  id text not null,
  purpose text not null,
  model text not null,
  chat_id text,
  thread_id text,
  message_id text,
  bot_id text,
  person_id text,
  input_tokens integer not null,
  output_tokens integer not null,
  -- The model did not say what it used.
  is_estimate integer not null,
  cost integer not null,
  created_at integer not null,
  primary key (project_id, id)
) without rowid;
create index model_calls_by_time on model_calls (project_id, created_at, id);

-- A call is charged with its row, and so once. Bonus goes first; what exceeds the balance is not owed.
create trigger model_calls_are_charged after insert on model_calls when new.cost > 0 begin
  insert into transactions (project_id, id, type, credits, bonus, description, created_at)
  select project_id, new.id, 'charge', -min(credits, new.cost - min(bonus, new.cost)), -min(bonus, new.cost),
    new.model || ': ' || new.input_tokens || ' + ' || new.output_tokens || ' tokens', new.created_at
  from accounts where project_id = new.project_id and credits + bonus > 0;
end;

-- Projects from before there was money begin with what a new one gets by default.
insert into accounts (project_id) select id from projects;
insert into transactions (project_id, id, type, credits, bonus, description, created_at)
select id, 'opening', 'topup', 1000000000000, 0, 'Opening balance', created_at from projects;
