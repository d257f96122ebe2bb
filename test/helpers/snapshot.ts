import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";

type Row = Record<string, SqlStorageValue>;
type Snapshot = Record<string, Row[]>;

/** Written aside of what was asked, at a time of its own. */
const VOLATILE = new Set(["last_used_at"]);

/** Everything that is stored: each table of D1 and of each object. Two that are equal: nothing was written in between. */
export async function takeSnapshot(): Promise<Snapshot> {
  return { ...(await tablesOfD1()), ...(await tablesOfObjects()) };
}

async function tablesOfD1(): Promise<Snapshot> {
  const { results } = await env.DB.prepare("select name from pragma_table_list where type <> 'shadow'").all<{
    name: string;
  }>();
  const names = results.map(({ name }) => name).filter((name) => !/^(sqlite|_cf|d1)_/.test(name));
  const rows = await env.DB.batch<Row>(names.map((name) => env.DB.prepare(`select * from "${name}"`)));
  return Object.fromEntries(names.map((name, index) => [name, rows[index]!.results.map(stable)]));
}

/** Objects that have tables; one that was only asked has none. */
async function tablesOfObjects(): Promise<Snapshot> {
  const namespaces = Object.entries(env).filter(([, binding]) => isNamespace(binding)) as [
    string,
    DurableObjectNamespace,
  ][];
  const found: Snapshot = {};
  for (const [binding, namespace] of namespaces) {
    for (const id of await listDurableObjectIds(namespace as never)) {
      Object.assign(found, await tablesOfObject(`${binding} ${id.toString().slice(0, 12)}`, namespace.get(id)));
    }
  }
  return found;
}

const isNamespace = (binding: unknown) =>
  typeof binding === "object" && binding?.constructor.name === "DurableObjectNamespace";

const tablesOfObject = (title: string, stub: DurableObjectStub): Promise<Snapshot> =>
  runInDurableObject(stub as never, (_, { storage: { sql } }) => {
    const names = sql
      .exec<{ name: string }>("select name from sqlite_master where type = 'table'")
      .toArray()
      .map(({ name }) => name)
      .filter((name) => !name.startsWith("_cf_") && !name.includes("sqlite"));
    const rows = names.map((name): [string, Row[]] => [
      `${title} ${name}`,
      sql.exec<Row>(`select * from "${name}"`).toArray(),
    ]);
    return Object.fromEntries(rows);
  });

const stable = (row: Row): Row => Object.fromEntries(Object.entries(row).filter(([column]) => !VOLATILE.has(column)));
