import * as z from "zod";
import { microFrom, MOST_CREDITS } from "../core/billing/credits.ts";
import { DomainError } from "../core/errors.ts";
import { areSealerKeys } from "../lib/seal.ts";

const Milliseconds = z.coerce.number().int().min(0);
const Words = z.string().transform((text) => text.split(",").flatMap((word) => word.trim() || []));
/** The first attempt is made at once, whether the list says so or not. */
const RetrySchedule = z
  .string()
  .regex(/^\s*\d+(\.\d+)?(\s*,\s*\d+(\.\d+)?)*\s*$/)
  .transform((text) => text.split(",").map(Number))
  .transform(([first, ...others]) => (first === 0 ? others : [first!, ...others]));

const Credits = z.coerce.number().min(0).max(MOST_CREDITS);
const Price = z.object({ input: Credits, output: Credits });
const Prices = z
  .string()
  .default("{}")
  .transform(parseJson)
  .pipe(z.object({ default: Price.default({ input: 1000, output: 4000 }) }).catchall(Price));
const OfferTerms = z.object({
  id: z.string().min(1).max(100),
  name: z.string().min(1),
  price: z
    .number()
    .positive()
    .max(1e9)
    .transform((price) => Math.round(price * 100)),
  credits: z.number().positive().max(MOST_CREDITS).transform(microFrom),
  description: z.string().default(""),
});
const Offers = z.string().transform(parseJson).pipe(z.array(OfferTerms).max(1000));
const Origin = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ""));

const Text = z.string().optional();

/** As whom persons are asked for their consent, where an integration brings no client of its own. */
const OAuthClients = {
  AMOCRM_CLIENT_ID: Text,
  AMOCRM_CLIENT_SECRET: Text,
  AVITO_CLIENT_ID: Text,
  AVITO_CLIENT_SECRET: Text,
  BITRIX_CLIENT_ID: Text,
  BITRIX_CLIENT_SECRET: Text,
  GITHUB_CLIENT_ID: Text,
  GITHUB_CLIENT_SECRET: Text,
  GOOGLE_CLIENT_ID: Text,
  GOOGLE_CLIENT_SECRET: Text,
  VK_CLIENT_ID: Text,
  VK_CLIENT_SECRET: Text,
  YANDEX_CLIENT_ID: Text,
  YANDEX_CLIENT_SECRET: Text,
};
const DEFAULT_OFFERS = [
  { id: "topup-100k", name: "100,000 credits", price: 10, credits: 100_000, description: "One payment" },
  { id: "topup-1m", name: "1,000,000 credits", price: 90, credits: 1_000_000, description: "One payment" },
];

/** Everything that can be set from outside. The README lists it. */
export const Config = z.object({
  ROOT_KEY: z.string().min(8),
  ENCRYPTION_KEY: z.string().refine(areSealerKeys),
  OPENAI_API_KEY: z.string().min(1).optional(),
  OPENAI_BASE_URL: z.url().default("https://api.openai.com/v1"),
  DEFAULT_MODEL: z.string().default("embedded/reply"),
  DEFAULT_EMBEDDING_MODEL: z.string().default("embedded/hash"),
  EMBEDDED_MODEL_DELAY_MS: Milliseconds.default(40),
  PUBLIC_URL: Origin.optional(),
  TELEGRAM_API_BASE_URL: Origin.default("https://api.telegram.org"),
  WHATSAPP_API_BASE_URL: Origin.default("https://graph.facebook.com/v21.0"),
  VK_API_BASE_URL: Origin.default("https://api.vk.com"),
  OK_API_BASE_URL: Origin.default("https://api.ok.ru"),
  GITHUB_API_BASE_URL: Origin.default("https://api.github.com"),
  GITHUB_OAUTH_BASE_URL: Origin.default("https://github.com"),
  GOOGLE_API_BASE_URL: Origin.default("https://www.googleapis.com"),
  GOOGLE_OAUTH_BASE_URL: Origin.default("https://oauth2.googleapis.com"),
  YANDEX_API_BASE_URL: Origin.default("https://login.yandex.ru"),
  YANDEX_OAUTH_BASE_URL: Origin.default("https://oauth.yandex.ru"),
  VK_OAUTH_BASE_URL: Origin.default("https://oauth.vk.com"),
  AMOCRM_OAUTH_BASE_URL: Origin.default("https://www.amocrm.ru"),
  BITRIX_OAUTH_BASE_URL: Origin.default("https://oauth.bitrix.info"),
  AVITO_OAUTH_BASE_URL: Origin.default("https://avito.ru"),
  SBER_API_BASE_URL: Origin.default("https://ngw.devices.sberbank.ru:9443"),
  ...OAuthClients,
  AVITO_API_BASE_URL: Origin.default("https://api.avito.ru"),
  AMOCRM_API_BASE_URL: z.string().default("https://{subdomain}.amocrm.ru"),
  AMOJO_API_BASE_URL: Origin.default("https://amojo.amocrm.ru"),
  BITRIX_API_BASE_URL: Origin.optional(),
  MAX_API_BASE_URL: Origin.default("https://platform-api.max.ru"),
  UPSTREAM_IDLE_TIMEOUT_MS: Milliseconds.default(60_000),
  CONCURRENT_TURNS_PER_PROJECT: z.coerce.number().int().min(1).default(1000),
  OUTBOUND_POLICY: z.enum(["strict", "local"]).default("strict"),
  OUTBOUND_ALLOW: Words.default([]),
  DEFAULT_CREDITS: Credits.default(1_000_000),
  BALANCE_LOW_THRESHOLD: Credits.default(100),
  MODEL_PRICES: Prices,
  BILLING_OFFERS: Offers.prefault(JSON.stringify(DEFAULT_OFFERS)),
  STRIPE_SECRET_KEY: z.string().min(1).optional(),
  STRIPE_WEBHOOK_SECRET: z.string().min(1).optional(),
  STRIPE_API_BASE_URL: Origin.optional(),
  BILLING_CURRENCY: z
    .string()
    .regex(/^[a-z]{3}$/)
    .default("usd"),
  WEBHOOK_RETRY_SCHEDULE: RetrySchedule.prefault("0,5,300,1800,7200,18000,36000,36000,50400,72000,86400"),
});

export type Config = z.output<typeof Config>;

const parsed = new WeakMap<object, Config>();

/** Parsed once. Throws a sentence that names the setting which is missing or wrong. */
export function readConfig(env: object): Config {
  const known = parsed.get(env);
  if (known) return known;
  const given = Object.fromEntries(Object.keys(Config.shape).map((key) => [key, settingOf(env, key)]));
  const result = Config.safeParse(given);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new DomainError("unavailable", `configuration: ${String(issue?.path[0])} is missing or wrong`);
  }
  parsed.set(env, result.data);
  return result.data;
}

/** An empty setting is one that is not set. */
function settingOf(env: object, key: string): unknown {
  const value: unknown = env[key as keyof typeof env];
  return value === "" ? undefined : value;
}

/** What is no JSON becomes something that no schema takes. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
