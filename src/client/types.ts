import type * as z from "zod";
import type * as schemas from "../dialects/worken/schemas.ts";

/** The shapes on the wire, taken from the very schemas by which the server checks and answers. */

type Schemas = typeof schemas;
type Answered<K extends keyof Schemas> = z.output<Schemas[K]>;
type Given<K extends keyof Schemas> = z.input<Schemas[K]>;
/** Numbers travel as text in a query, and everything in it has a default. */
type Asked<K extends keyof Schemas> = Partial<z.output<Schemas[K]>>;

export type Approval = Answered<"Approval">;
export type ApprovalList = Answered<"ApprovalList">;
export type ApiKey = Answered<"ApiKey">;
export type Bot = Answered<"Bot">;
export type BotSettings = Answered<"BotSettings">;
export type Chat = Answered<"Chat">;
export type CreatedApiKey = Answered<"CreatedApiKey">;
export type Deleted = Answered<"Deleted">;
export type ErrorBody = Answered<"ErrorBody">;
export type Integration = Answered<"Integration">;
export type IntegrationProfile = Answered<"IntegrationProfile">;
export type OAuthStart = Answered<"OAuthStart">;
export type Message = Answered<"Message">;
export type Mode = Answered<"Mode">;
export type Project = Answered<"Project">;
export type ProjectWithLimits = Answered<"ProjectWithLimits">;
export type SetMode = Answered<"SetMode">;
export type Stopped = Answered<"Stopped">;
export type StreamEvent = Answered<"StreamEvent">;
export type Thread = Answered<"Thread">;
export type ThreadDetail = Answered<"ThreadDetail">;
export type ThreadEvent = Answered<"ThreadEvent">;
export type ThreadList = Answered<"ThreadList">;
export type Ticket = Answered<"Ticket">;
export type WebhookAttempt = Answered<"WebhookAttempt">;
export type WebhookDelivery = Answered<"WebhookDelivery">;
export type WebhookDeliveryDetail = Answered<"WebhookDeliveryDetail">;
export type WebhookEndpoint = Answered<"WebhookEndpoint">;
export type WebhookEvent = Answered<"WebhookEvent">;
export type Vendor = Answered<"Vendor">;
export type WorkingMemory = Answered<"WorkingMemory">;

export type CreateApiKey = Given<"CreateApiKey">;
export type CreateBot = Given<"CreateBot">;
export type CreateChat = Given<"CreateChat">;
export type CreateIntegration = Given<"CreateIntegration">;
export type CreateProject = Given<"CreateProject">;
export type CreateWebhookEndpoint = Given<"CreateWebhookEndpoint">;
export type CreateTicket = Given<"CreateTicket">;
export type DecideApproval = Given<"DecideApproval">;
export type SendMessage = Given<"SendMessage">;
export type SetChatStatus = Given<"SetChatStatus">;
export type SetLimits = Given<"SetLimits">;
export type SetStatus = Given<"SetStatus">;
export type StreamMessages = Given<"StreamMessages">;
export type UpdateBot = Given<"UpdateBot">;
export type UpdateBotSettings = Given<"UpdateBotSettings">;
export type UpdateChat = Given<"UpdateChat">;
export type UpdateIntegration = Given<"UpdateIntegration">;
export type UpdateWebhookEndpoint = Given<"UpdateWebhookEndpoint">;

export type ApprovalQuery = Asked<"ApprovalQuery">;
export type WebhookAttemptQuery = Asked<"WebhookAttemptQuery">;
export type WebhookDeliveryQuery = Asked<"WebhookDeliveryQuery">;
export type ListQuery = Asked<"ListQuery">;
export type ThreadQuery = Asked<"ThreadQuery">;
