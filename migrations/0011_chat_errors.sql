-- Why a messenger's chat has the status `error`: what kept its bot from answering.
alter table chats add column error text;
