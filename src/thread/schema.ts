/** The tables of every thread, created with its first write: asking for a thread that was never written leaves no trace. */
export const SCHEMA = `
  create table thread (id integer primary key, record text not null);
  create table messages (
    seq integer primary key,
    id text not null unique,
    role text not null,
    author text not null,
    status text not null,
    parts text not null,
    created_at integer not null,
    finish_reason text,
    model text,
    usage text,
    error text,
    delivery text
  );
`;
