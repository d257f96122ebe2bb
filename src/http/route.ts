import { zValidator } from "@hono/zod-validator";
import { Hono, type Context, type Handler, type MiddlewareHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type * as z from "zod";
import type { AdminCtx, Ctx, Once } from "../core/context.ts";
import { DomainError } from "../core/errors.ts";
import { findAnswer, recordAnswer } from "../core/idempotency.ts";
import { sha256 } from "../lib/hash.ts";
import { truncate } from "../lib/text.ts";
import { parseJson, readText } from "./body.ts";
import { isForm, readForm } from "./form.ts";
import { invalidRequest } from "./complaints.ts";
import { authenticate, forgetAccess, type Access, type App } from "./tenant.ts";

export type RouteSpec = {
  summary: string;
  description?: string;
  params?: z.ZodType;
  query?: z.ZodType;
  json?: z.ZodType;
  /** The body may come as multipart/form-data instead; its files are `File`s. */
  form?: z.ZodType;
  /** What is answered; absent: nothing. */
  ok?: z.ZodType;
  status?: ContentfulStatusCode;
  /** Answers with server-sent events, each of which is an `ok`. */
  streams?: boolean;
  access?: Access;
  /** Who remembers the answer for an Idempotency-Key: D1, or the thread that the route is about. */
  once?: "here" | "thread";
};

type Method = "get" | "post" | "put" | "patch" | "delete";
type Out<T> = T extends z.ZodType ? z.output<T> : undefined;
type Answer<S extends RouteSpec> = S["ok"] extends z.ZodType ? z.input<S["ok"]> : undefined | void;
type CtxOf<S extends RouteSpec> = S["access"] extends "root"
  ? AdminCtx
  : S["access"] extends "either"
    ? Ctx | AdminCtx
    : Ctx;

export type Call<S extends RouteSpec> = {
  ctx: CtxOf<S>;
  params: Out<S["params"]>;
  query: Out<S["query"]>;
  json: S["form"] extends z.ZodType ? Out<S["json"]> | undefined : Out<S["json"]>;
  form: Out<S["form"]> | undefined;
  c: Context<App>;
};

export type Route = { method: Method; path: string; spec: RouteSpec };

/**
 * The routes of one dialect. A route is declared once: the same schemas check what comes in, type what goes out, and
 * make the OpenAPI document.
 */
export class Api {
  readonly hono = new Hono<App>();
  readonly routes: Route[] = [];

  on<const S extends RouteSpec>(
    method: Method,
    path: string,
    spec: S,
    handle: (call: Call<S>) => Promise<Answer<S> | Response> | Answer<S> | Response,
  ): this {
    this.routes.push({ method, path, spec });
    const run: Handler<App> = async (c) => {
      const answer = await runOnce(c, spec, (ctx, body) => {
        const [params, query] = [validated(c, spec, "param"), validated(c, spec, "query")];
        return handle({ ctx, params, query, ...body, c } as Call<S>) as Promise<unknown>;
      });
      if (answer instanceof Response) return answer;
      return answer === undefined ? c.body(null, 204) : c.json(answer as object, spec.status ?? 200);
    };
    const checks = [spec.params && check("param", spec.params), spec.query && check("query", spec.query)];
    const known = checks.filter((middleware) => middleware !== undefined);
    this.hono.on(method.toUpperCase(), [path], opened(spec), ...(known as unknown as [MiddlewareHandler<App>]), run);
    return this;
  }

  /** A path that is there under another method, or not at all. */
  unknown(c: Context<App>): never {
    const allow = this.routes.filter(({ path }) => matches(path, c.req.path)).map(({ method }) => method.toUpperCase());
    if (allow.length === 0) throw new DomainError("not_found", `there is no ${truncate(c.req.path, 200)}`);
    throw new DomainError("method_not_allowed", `${truncate(c.req.path, 200)} has no ${c.req.method}`, {
      allow: [...new Set(allow)],
    });
  }
}

/** Who calls is asked before what the call says. */
const opened =
  (spec: RouteSpec): MiddlewareHandler<App> =>
  async (c, next) => {
    c.set("ctx", await authenticate(c, spec.access ?? "project", c.req.param("chat_id") ?? null));
    await next();
  };

const check = (target: "param" | "query", schema: z.ZodType) =>
  zValidator(target, schema, (result) => {
    if (!result.success) throw invalidRequest(result.error.issues);
  });

function validated(c: Context<App>, spec: RouteSpec, target: "param" | "query"): unknown {
  const has = target === "param" ? spec.params : spec.query;
  return has ? (c.req as unknown as { valid: (target: string) => unknown }).valid(target) : undefined;
}

/** Reads the body and, for a POST that was answered before, gives that answer again. */
async function runOnce(
  c: Context<App>,
  spec: RouteSpec,
  handle: (ctx: Ctx | AdminCtx, body: Body) => Promise<unknown>,
): Promise<unknown> {
  const key = c.req.method === "POST" ? c.req.header("idempotency-key") : undefined;
  const { text, ...body } = await readBody(c, spec, key !== undefined);
  const ctx = { ...c.var.ctx, once: key === undefined ? null : await onceOf(c, key, text) };
  if (spec.once === "thread" || !ctx.once) return changing(c, spec, await handle(ctx, body));
  const before = await findAnswer(ctx);
  if (before) return replayed(c, before.answer);
  try {
    const answer = changing(c, spec, await handle(ctx, body));
    if (answer instanceof Response) return answer;
    const twin = await recordAnswer({ ...ctx, once: ctx.once }, answer);
    return twin ? replayed(c, twin.answer) : answer;
  } catch (error) {
    // A twin may have been faster: its answer is this call's answer too.
    const twin = await findAnswer(ctx);
    if (twin) return replayed(c, twin.answer);
    throw error;
  }
}

type Body = { json: unknown; form: unknown };

/** The checked body, and the text that tells it from another one. */
async function readBody(c: Context<App>, spec: RouteSpec, isKeyed: boolean): Promise<Body & { text: string }> {
  if (spec.form && (!spec.json || isForm(c.req.raw))) {
    const { fields, hash } = await readForm(c.req.raw);
    return { json: undefined, form: parse(spec.form, fields), text: hash };
  }
  const text = spec.json || isKeyed ? await readText(c.req.raw) : "";
  return { json: spec.json && readJson(spec.json, text), form: undefined, text };
}

/** A schema with a default takes a request without a body. */
function readJson(schema: z.ZodType, text: string): unknown {
  const mayBeMissing = text === "" && schema.safeParse(undefined).success;
  return parse(schema, mayBeMissing ? undefined : parseJson(text));
}

/** What was changed here shows here at once, not when the memory of it has aged. */
function changing(c: Context<App>, spec: RouteSpec, answer: unknown): unknown {
  if (c.req.method !== "GET" && spec.once !== "thread") forgetAccess();
  return answer;
}

function replayed(c: Context<App>, answer: unknown): unknown {
  c.header("idempotent-replayed", "true");
  return answer ?? undefined;
}

async function onceOf(c: Context<App>, key: string, text: string): Promise<Once> {
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw new DomainError("malformed", "Idempotency-Key: 1 to 255 printable characters");
  const requestHash = await sha256(`${c.req.method} ${c.req.path}\n${text}`);
  return { key, requestHash, show: (entity) => entity };
}

function parse(schema: z.ZodType, value: unknown): unknown {
  const result = schema.safeParse(value);
  if (!result.success) throw invalidRequest(result.error.issues);
  return result.data;
}

/** Whether a path fits a route's pattern, whatever the method. */
function matches(pattern: string, path: string): boolean {
  const [expected, given] = [pattern.split("/"), path.split("/")];
  return (
    expected.length === given.length &&
    expected.every((part, index) => (part.startsWith(":") ? given[index] !== "" : part === given[index]))
  );
}
