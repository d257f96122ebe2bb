import type { ErrorBody } from "./types.ts";

type Fields = Partial<Pick<WorkenError, "error" | "issues" | "requestId" | "retryAfter" | "cause">>;

/** What the server refused, or could not do. */
export class WorkenError extends Error {
  override name = "WorkenError";
  readonly status: number;
  /** What the status means, as in "Not Found". */
  readonly error: string;
  /** Which fields of the request are wrong, and how. */
  readonly issues: NonNullable<ErrorBody["issues"]>;
  /** Under this the server's log has the request; absent if something on the way answered in its place. */
  readonly requestId: string | undefined;
  /** In seconds: when it is worth trying again. */
  readonly retryAfter: number | undefined;

  constructor(status: number, message: string, { error = "", issues = [], requestId, retryAfter, cause }: Fields = {}) {
    super(message, { cause });
    this.status = status;
    this.error = error;
    this.issues = issues;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

/** There was no answer, or none that could be read; `cause` says why. */
export class ConnectionError extends WorkenError {
  override name = "ConnectionError";

  constructor(message: string, cause?: unknown) {
    super(0, message, { error: "Connection Error", cause });
  }
}

export async function errorFrom(response: Response): Promise<WorkenError> {
  const body = (await response.json().catch(() => null)) as Partial<ErrorBody> | null;
  return new WorkenError(response.status, body?.message ?? `the server answered ${response.status}`, {
    error: body?.error ?? response.statusText,
    issues: body?.issues,
    requestId: body?.request_id,
    retryAfter: Number(response.headers.get("retry-after")) || undefined,
  });
}
