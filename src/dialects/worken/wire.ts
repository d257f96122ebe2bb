/** The domain in the words of this API: pure functions, named after what the API calls the thing. */

export { listView } from "./wire/parts.ts";
export * from "./wire/projects.ts";
export * from "./wire/billing.ts";
export * from "./wire/bots.ts";
export * from "./wire/integrations.ts";
export * from "./wire/threads.ts";
export * from "./wire/schedules.ts";
export * from "./wire/events.ts";
export * from "./wire/webhooks.ts";
export * from "./wire/vector-stores.ts";
export * from "./wire/vector-store-files.ts";
export * from "./wire/vector-store-batches.ts";
export * from "./wire/files.ts";
