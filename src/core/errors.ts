import { truncate } from "../lib/text.ts";

export type ErrorCode =
  | "malformed"
  | "unauthenticated"
  | "payment_required"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "too_large"
  | "unsupported_media"
  | "invalid"
  | "limit_exceeded"
  | "upstream_failed"
  | "unavailable";

export type ErrorDetails = {
  /** What is wrong with which field of the request. */
  issues?: { path: string; message: string }[];
  /** For `limit_exceeded` and `unavailable`: when it is worth trying again. */
  retryAfterSeconds?: number;
  /** It is about one person alone: others are served. */
  isPersonal?: boolean;
  /** For `method_not_allowed`: the methods that the path has. */
  allow?: string[];
};

/** The only error thrown on purpose. Each dialect decides how it looks on the wire. */
export class DomainError extends Error {
  override name = "DomainError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** After how many seconds what failed is worth trying again; null: nobody said. */
export const retryAfterOf = (error: unknown): number | null =>
  error instanceof DomainError ? (error.details.retryAfterSeconds ?? null) : null;

export const notFound = (what: string, id: string) =>
  new DomainError("not_found", `${what} ${truncate(id, 128)} does not exist`);

/** One field of the request that is well-formed and still cannot be accepted. */
export const invalid = (path: string, message: string) =>
  new DomainError("invalid", `${path}: ${message}`, { issues: [{ path, message }] });
