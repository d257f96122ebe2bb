import * as z from "zod";
import { DomainError } from "../core/errors.ts";
import { truncate } from "../lib/text.ts";

type Issue = { path: readonly PropertyKey[]; message: string; errors?: readonly Issue[][] };

const MISSING = "must be given";
/** As many as help: a list of a thousand wrong items must not make an answer larger than the request. */
const MOST_ISSUES = 20;

/** Says what is wrong in words; where a schema has words of its own, those are said. */
z.config({ customError: sentence });

/** Names the first wrong field in the message, and the first ones in the details. */
export function invalidRequest(found: readonly Issue[]): DomainError {
  const issues = found
    .flatMap(likeliest)
    .slice(0, MOST_ISSUES)
    .map(({ path, message }) => ({
      path: truncate(path.map(String).join("."), 200),
      message: truncate(message, 500),
    }));
  const [first] = issues;
  const message = first ? `${first.path || "body"}: ${first.message}` : "the request is not valid";
  return new DomainError("invalid", message, { issues });
}

/** Of a body that may have several shapes, the complaints of that one of whose fields it lacks the fewest. */
function likeliest(issue: Issue): readonly Issue[] {
  if (!issue.errors || issue.errors.length === 0) return [issue];
  const lacking = (shape: readonly Issue[]) => shape.filter(({ message }) => message === MISSING).length;
  const depth = (shape: readonly Issue[]) => Math.max(...shape.map(({ path }) => path.length));
  const [closest = []] = issue.errors.toSorted((a, b) => lacking(a) - lacking(b) || depth(b) - depth(a));
  return closest.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

/** Absent: as zod itself says it. */
function sentence(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? MISSING : `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return issue.input === undefined ? MISSING : `must be ${choice(issue.values)}`;
    case "too_small":
      return `must ${bound("at least", "more than", issue.minimum, issue)}`;
    case "too_big":
      return `must ${bound("at most", "less than", issue.maximum, issue)}`;
    case "invalid_format":
      return FORMATS[issue.format];
    case "unrecognized_keys":
      return `has unknown fields: ${issue.keys.join(", ")}`;
    default:
      return undefined;
  }
}

const TYPES: Record<string, string> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

const FORMATS: Record<string, string> = {
  datetime: "must be a time in ISO 8601, like 2026-11-25T12:00:00Z",
  date: "must be a date like 2026-11-25",
  url: "must be a URL",
};

const choice = (values: readonly unknown[]) =>
  `${values.length > 1 ? "one of " : ""}${values.map((value) => JSON.stringify(value)).join(", ")}`;

function bound(
  inclusive: string,
  exclusive: string,
  limit: number | bigint,
  { origin, inclusive: isInclusive = true }: { origin: string; inclusive?: boolean | undefined },
): string {
  const unit = UNITS[origin];
  if (!unit) return `be ${isInclusive ? inclusive : exclusive} ${limit}`;
  if (inclusive === "at least" && Number(limit) === 1) return "not be empty";
  return `have ${inclusive} ${limit} ${unit}${Number(limit) === 1 ? "" : "s"}`;
}

const UNITS: Record<string, string> = { string: "character", array: "item" };
