import * as z from "zod";
import { Name, Status, Time } from "./parts.ts";

export const Vendor = z.enum([
  "telegram",
  "whatsapp",
  "vk",
  "ok",
  "max",
  "github",
  "google",
  "yandex",
  "amocrm",
  "bitrix",
  "avito",
  "sber",
  "worken",
]);

const Settings = z.record(z.string(), z.unknown());
/** What the documentation does not name is shown only where it is set. */
const ShownSettings = Settings.optional().meta({ description: "As they were given; absent: none were" });

export const Integration = z
  .object({
    id: z.string(),
    name: z.string(),
    vendor: Vendor,
    status: Status,
    project_id: z.string(),
    created_at: Time,
    updated_at: Time,
    settings: ShownSettings,
    error: z.string().optional().meta({ description: "Why the vendor does not do what it is asked" }),
  })
  .meta({ id: "Integration" });

export const IntegrationProfile = z
  .object({ id: z.string(), name: z.string(), username: z.string().optional(), avatar_url: z.string().optional() })
  .meta({ id: "IntegrationProfile" });

export const OAuthStart = z.object({ url: z.url() }).meta({ id: "OAuthStart" });

const AuthData = z.record(z.string(), z.unknown());

export const CreateIntegration = z
  .object({ name: Name, vendor: Vendor, auth_data: AuthData, settings: Settings.optional() })
  .meta({ id: "CreateIntegration", example: { name: "Website", vendor: "worken", auth_data: {} } });

export const UpdateIntegration = z
  .object({
    name: Name.optional(),
    status: Status.optional(),
    auth_data: AuthData.optional(),
    settings: Settings.optional(),
  })
  .meta({ id: "UpdateIntegration" });

export const Chat = z
  .object({
    id: z.string(),
    name: z.string(),
    bot_id: z.string(),
    integration_id: z.string().nullable(),
    status: Status,
    project_id: z.string(),
    created_at: Time,
    updated_at: Time,
    events_24h: z.int(),
    settings: ShownSettings,
    error: z
      .string()
      .optional()
      .meta({ description: "what kept a messenger's bot from answering; `status` is `error`" }),
  })
  .meta({ id: "Chat" });

const ChatSettings = Settings.and(z.object({ debounce_ms: z.int().min(0).max(60_000).nullish() }));

export const CreateChat = z
  .object({ bot_id: z.string().min(1).max(128), name: Name, settings: ChatSettings.optional() })
  .meta({ id: "CreateChat" });

export const UpdateChat = z
  .object({
    bot_id: z.string().min(1).max(128).optional(),
    name: Name.optional(),
    settings: ChatSettings.optional(),
  })
  .meta({ id: "UpdateChat" });

export const SetChatStatus = z.object({ status: z.enum(["active", "disabled"]) }).meta({ id: "SetChatStatus" });
