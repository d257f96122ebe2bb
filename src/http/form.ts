import { DomainError } from "../core/errors.ts";
import { hex } from "../lib/hash.ts";
import { readPieces } from "./body.ts";

/** An upload and the fields beside it. */
const MOST_BYTES = 26_000_000;
const FORM = /^multipart\/form-data\b/i;

export const isForm = (request: Request): boolean => FORM.test(request.headers.get("content-type") ?? "");

type Field = string | File | Field[] | { [name: string]: Field };

/** The fields of a form, those named `a[b]` and `a[]` as objects and lists; and a hash of all of it. */
export async function readForm(request: Request): Promise<{ fields: unknown; hash: string }> {
  if (!isForm(request)) throw new DomainError("unsupported_media", "the body must be multipart/form-data");
  const bytes = await readBytes(request);
  const form = await new Response(bytes, { headers: { "content-type": request.headers.get("content-type")! } })
    .formData()
    .catch(() => {
      throw new DomainError("malformed", "the body is not valid multipart/form-data");
    });
  const fields: Record<string, Field> = Object.create(null) as Record<string, Field>;
  for (const [name, value] of form) place(fields, name, value);
  return { fields: { ...fields }, hash: hex(await crypto.subtle.digest("SHA-256", bytes)) };
}

async function readBytes(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  for await (const piece of readPieces(request, MOST_BYTES)) pieces.push(piece);
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/** Clients write nested fields with brackets; deeper than one level none is needed. */
function place(fields: Record<string, Field>, name: string, value: string | File): void {
  const [, outer, inner] = /^([^[\]]+)\[([^[\]]*)\]$/.exec(name) ?? [];
  if (outer === undefined || inner === undefined) fields[name] = value;
  else if (inner === "") fields[outer] = [...(Array.isArray(fields[outer]) ? fields[outer] : []), value];
  else fields[outer] = { ...(isObject(fields[outer]) ? fields[outer] : {}), [inner]: value };
}

const isObject = (field: Field | undefined): field is { [name: string]: Field } =>
  typeof field === "object" && !Array.isArray(field) && !(field instanceof File);
