import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { DomainError, type ErrorCode } from "../../core/errors.ts";
import { databaseAway, type App } from "../../http/tenant.ts";
import { isDatabaseOutage } from "../../lib/database-outage.ts";
import { expectsOpenAi } from "./openai-shapes.ts";

const STATUS = {
  malformed: 400,
  unauthenticated: 401,
  payment_required: 402,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  too_large: 413,
  unsupported_media: 415,
  invalid: 422,
  limit_exceeded: 429,
  upstream_failed: 502,
  unavailable: 503,
} as const satisfies Record<ErrorCode, ContentfulStatusCode>;

const REASON: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Payload Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Entity",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
};

const OPENAI_TYPE: Record<number, string> = {
  401: "authentication_error",
  402: "insufficient_quota",
  403: "permission_error",
  429: "rate_limit_error",
  500: "server_error",
  502: "server_error",
  503: "server_error",
};

type Issues = NonNullable<DomainError["details"]["issues"]>;

/** Every error as the Worken API says it; what nobody meant to throw says nothing but where to look it up. */
export function errorResponse(error: unknown, c: Context<App>): Response {
  if (!(error instanceof DomainError)) {
    console.error(c.var.requestId, error);
    if (isDatabaseOutage(error)) return errorResponse(databaseAway(), c);
    return respond(c, 500, "internal", "something went wrong on our side", []);
  }
  const { issues = [], retryAfterSeconds, allow } = error.details;
  if (retryAfterSeconds !== undefined) c.header("retry-after", String(retryAfterSeconds));
  if (allow) c.header("allow", allow.join(", "));
  return respond(c, STATUS[error.code], error.code, error.message, issues);
}

function respond(c: Context<App>, status: ContentfulStatusCode, code: string, message: string, issues: Issues) {
  const { requestId: request_id } = c.var;
  if (!expectsOpenAi(c)) {
    const more = issues.length > 0 ? { issues } : {};
    return c.json({ error: REASON[status], message, statusCode: status, ...more, request_id }, status);
  }
  const type = OPENAI_TYPE[status] ?? "invalid_request_error";
  const body = { error: { message, type, param: issues[0]?.path || null, code }, request_id };
  // OpenAI knows no 422: what is invalid is a bad request there.
  return c.json(body, status === STATUS.invalid ? STATUS.malformed : status);
}
