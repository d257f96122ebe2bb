import type * as z from "zod";
import { dialects } from "../../src/app.ts";
import type { RouteSpec } from "../../src/http/route.ts";

/** A route of any dialect, as a caller sees it. `title` names it in reports. */
export type RouteRow = {
  title: string;
  dialect: string;
  method: string;
  path: string;
  spec: RouteSpec;
  errorBody: z.ZodType;
};

/** Every route of every dialect, in the order in which they are asked. */
export const routes: RouteRow[] = Object.entries(dialects).flatMap(([dialect, { prefix, api, errorBodyOf }]) =>
  api.routes.map(({ method, path, spec }) => ({
    title: `${method.toUpperCase()} ${prefix}${path}`,
    dialect,
    method: method.toUpperCase(),
    path: prefix + path,
    spec,
    errorBody: errorBodyOf(path),
  })),
);

/** For `it.each`: the routes with their titles. */
export const those = (isMeant: (row: RouteRow) => unknown = () => true) =>
  routes.filter(isMeant).map((row): [string, RouteRow] => [row.title, row]);

/** For what every path of a route must stand: a path that only begins otherwise (`/v1`) is the same route. */
export const distinct = (isMeant?: (row: RouteRow) => unknown) =>
  those(isMeant).filter(([, row]) => !routes.some((other) => other !== row && isTwin(row, other)));

const isTwin = (row: RouteRow, shorter: RouteRow) =>
  row.method === shorter.method && row.dialect === shorter.dialect && row.path === `/v1${shorter.path}`;

export type Parameter = { name: string; kind: string };

/** The parameters of a path, each with the kind of thing that it names: `/bots/:bot_id` a bot, `/integrations/:id` an integration. */
export function parametersOf(path: string): Parameter[] {
  const parts = path.split("/");
  return parts.flatMap((part, index) => {
    const name = part.startsWith(":") ? part.slice(1) : null;
    return name ? [{ name, kind: kindOf(name) ?? kindOfCollection(parts[index - 1] ?? "") ?? name }] : [];
  });
}

/** What a field or parameter called like this names; null for one that is just `id`, or no id at all. */
export const kindOf = (name: string): string | null => /^(\w+?)(_ids?|Ids?)$/.exec(name)?.[1]?.toLowerCase() ?? null;

const kindOfCollection = (segment: string) => /^([\w-]+)s$/.exec(segment.replaceAll("-", "_"))?.[1] ?? null;

/** Puts a value in the place of each parameter of a path. */
export const fillPath = (path: string, valueOf: (parameter: Parameter) => string): string => {
  const parameters = parametersOf(path);
  return path.replace(/:(\w+)/g, (_, name: string) => valueOf(parameters.find((each) => each.name === name)!));
};
