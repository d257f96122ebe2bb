import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";

type Row = Record<string, unknown>;
export type Snapshot = Record<string, Row[]>;

/** Written aside of what was asked, at a time of its own. */
const VOLATILE = new Set(["last_used_at"]);

/** Everything that is stored: each table of D1 and of each object, and all files. Two that are equal: nothing was written in between. */
export async function takeSnapshot(): Promise<Snapshot> {
  const [tables, contents, files] = await Promise.all([tablesOfD1(), tablesOfObjects(), env.FILES.list()]);
  return { ...tables, ...contents, files: files.objects.map(({ key, etag }) => ({ key, etag })) };
}

/** Objects of earlier test files, which nobody here can reach. */
let earlier = new Set<string>();

/** To be called before a file's first snapshot: those of the file do not look at what others left behind. */
export async function ignoreEarlierObjects(): Promise<void> {
  earlier = new Set((await objects()).map(({ title }) => title));
}

async function tablesOfD1(): Promise<Snapshot> {
  const { results } = await env.DB.prepare("select name from pragma_table_list where type <> 'shadow'").all<{
    name: string;
  }>();
  const names = results.map(({ name }) => name).filter((name) => !/^(sqlite|_cf|d1)_/.test(name));
  const rows = await env.DB.batch<Row>(names.map((name) => env.DB.prepare(`select * from "${name}"`)));
  return Object.fromEntries(names.map((name, index) => [name, rows[index]!.results.map(stable)]));
}

async function objects(): Promise<{ title: string; stub: DurableObjectStub }[]> {
  const namespaces = Object.entries(env).filter(([, binding]) => isNamespace(binding)) as [
    string,
    DurableObjectNamespace,
  ][];
  const found = namespaces.map(async ([binding, namespace]) =>
    (await listDurableObjectIds(namespace as never)).map((id) => ({
      title: `${binding} ${id.toString()}`,
      stub: namespace.get(id),
    })),
  );
  return (await Promise.all(found)).flat();
}

/** Those of objects that have tables; one that was only asked has none. */
async function tablesOfObjects(): Promise<Snapshot> {
  const fresh = (await objects()).filter(({ title }) => !earlier.has(title));
  const found = await Promise.all(fresh.map(({ title, stub }) => tablesOfObject(title, stub)));
  return Object.assign({}, ...found) as Snapshot;
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
      sql.exec(`select * from "${name}"`).toArray(),
    ]);
    return Object.fromEntries(rows);
  });

const stable = (row: Row): Row => Object.fromEntries(Object.entries(row).filter(([column]) => !VOLATILE.has(column)));
