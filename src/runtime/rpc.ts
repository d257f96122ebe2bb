import { DomainError, type ErrorCode, type ErrorDetails } from "../core/errors.ts";

type WireError = { code: ErrorCode; message: string; details: ErrorDetails };

/** What an object's method answers: a DomainError would lose its class, and with it its code, on the way. */
export type Rpc<T> = { ok: true; value: T } | { ok: false; error: WireError };

const ERROR_HEADER = "x-domain-error";
const wireError = ({ code, message, details }: DomainError): WireError => ({ code, message, details });

/** Inside an object: runs a method and makes its DomainError part of the answer. */
export async function attempt<T>(run: () => T | Promise<T>): Promise<Rpc<T>> {
  try {
    return { ok: true, value: await run() };
  } catch (error) {
    if (error instanceof DomainError) return { ok: false, error: wireError(error) };
    throw error;
  }
}

/** The same for what an object answers through `fetch`. */
export async function attemptResponse(run: () => Promise<Response>): Promise<Response> {
  const done = await attempt(run);
  return done.ok ? done.value : Response.json(done.error, { status: 400, headers: { [ERROR_HEADER]: "1" } });
}

/** Outside: the method's value, or its DomainError again. An object that cannot be reached is `unavailable`. */
export async function call<T>(method: () => Promise<Rpc<T>>): Promise<T> {
  const answer = await reach(method);
  if (!answer.ok) throw domainError(answer.error);
  return answer.value;
}

export async function callResponse(method: () => Promise<Response>): Promise<Response> {
  const response = await reach(method);
  if (response.headers.has(ERROR_HEADER)) throw domainError(await response.json<WireError>());
  return response;
}

async function reach<T>(method: () => Promise<T>): Promise<T> {
  try {
    return await method();
  } catch (error) {
    console.error("object unreachable", error);
    throw new DomainError("unavailable", "the thread cannot be reached at the moment", { retryAfterSeconds: 1 });
  }
}

const domainError = ({ code, message, details }: WireError) => new DomainError(code, message, details);
