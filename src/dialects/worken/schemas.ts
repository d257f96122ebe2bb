/** The shapes of the Worken API, as its documentation gives them and as our additions to it complete them. */

export { ErrorBody, ItemQuery, ListQuery, Mode, OpenAiError } from "./schemas/parts.ts";
export * from "./schemas/projects.ts";
export * from "./schemas/bots.ts";
export * from "./schemas/integrations.ts";
export * from "./schemas/threads.ts";
export * from "./schemas/schedules.ts";
export * from "./schemas/stream.ts";
export * from "./schemas/events.ts";
export * from "./schemas/billing.ts";
export * from "./schemas/webhooks.ts";
export * from "./schemas/vector-stores.ts";
export * from "./schemas/vector-store-files.ts";
export * from "./schemas/vector-store-batches.ts";
export * from "./schemas/vector-store-search.ts";
export * from "./schemas/files.ts";
