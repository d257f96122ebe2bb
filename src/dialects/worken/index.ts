import { Api } from "../../http/route.ts";
import { billing } from "./billing.ts";
import { bots } from "./bots.ts";
import { chats } from "./chats.ts";
import { errorResponse } from "./errors.ts";
import { events } from "./events.ts";
import { files } from "./files.ts";
import { integrations } from "./integrations.ts";
import { projects } from "./projects.ts";
import { ErrorBody, OpenAiError } from "./schemas.ts";
import { schedules } from "./schedules.ts";
import { stream } from "./stream.ts";
import { threads } from "./threads.ts";
import { vectorStoreBatches } from "./vector-store-batches.ts";
import { vectorStoreFiles } from "./vector-store-files.ts";
import { vectorStores } from "./vector-stores.ts";
import { webhooks } from "./webhooks.ts";

const api = new Api();
/** Fixed paths before those with a parameter in the same place. */
for (const declare of [
  projects,
  billing,
  bots,
  integrations,
  chats,
  stream,
  events,
  threads,
  schedules,
  webhooks,
  vectorStores,
  vectorStoreFiles,
  vectorStoreBatches,
  files,
])
  declare(api);
api.hono.onError(errorResponse).all("*", (c) => api.unknown(c));

/** The API of Worken, our native one. It owns every path that nobody else has, so it is mounted last. */
export const worken = {
  title: "Worken API",
  prefix: "",
  api,
  errorBodyOf: (path: string) => (path.startsWith("/v1/") ? OpenAiError : ErrorBody),
};
