import type { VENDORS } from "../../db/schema.ts";
import { DomainError } from "../errors.ts";

export type Vendor = (typeof VENDORS)[number];
export type Credentials = { [key: string]: unknown };

/** What each vendor cannot work without; a list per alternative. What OAuth brings later is not asked for. */
const REQUIRED: Record<Vendor, string[][]> = {
  telegram: [["token"]],
  whatsapp: [["access_token", "phone_number_id"]],
  vk: [["access_token"], ["group_id"]],
  ok: [["access_token"]],
  max: [["token"]],
  github: [["token"], ["client_id", "client_secret"], ["app_id", "private_key", "installation_id"]],
  google: [[]],
  yandex: [[]],
  amocrm: [["subdomain"]],
  bitrix: [["domain"], ["webhook_url"]],
  avito: [["client_id", "client_secret"]],
  sber: [[]],
  worken: [[]],
};

/** Refuses credentials that lack a field of their vendor; whether the vendor accepts them is not asked here. */
export function requireCredentials(vendor: Vendor, credentials: Credentials): void {
  const alternatives = REQUIRED[vendor].map((fields) => fields.filter((field) => !isGiven(credentials[field])));
  if (alternatives.some((missing) => missing.length === 0)) return;
  const issues = alternatives[0]!.map((field) => ({ path: `auth_data.${field}`, message: `${vendor} needs it` }));
  throw new DomainError("invalid", issues.map(({ path, message }) => `${path}: ${message}`).join("; "), { issues });
}

const isGiven = (value: unknown) => (typeof value === "string" && value.trim() !== "") || typeof value === "number";
