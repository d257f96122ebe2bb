import { billing } from "./billing.ts";
import { bots } from "./bots.ts";
import { chats } from "./chats.ts";
import { Connection, type WorkenOptions } from "./connection.ts";
import { files } from "./files.ts";
import { integrations } from "./integrations.ts";
import { projects } from "./projects.ts";
import { schedules } from "./schedules.ts";
import { threads } from "./threads.ts";
import { vectorStores } from "./vector-stores.ts";
import { webhookEndpoints } from "./webhook-endpoints.ts";

/** The Worken API, in the words of its own SDK. */
export class Worken {
  readonly projects: ReturnType<typeof projects>;
  readonly billing: ReturnType<typeof billing>;
  readonly bots: ReturnType<typeof bots>;
  readonly integrations: ReturnType<typeof integrations>;
  readonly chats: ReturnType<typeof chats>;
  readonly threads: ReturnType<typeof threads>;
  readonly schedules: ReturnType<typeof schedules>;
  readonly vectorStores: ReturnType<typeof vectorStores>;
  readonly files: ReturnType<typeof files>;
  readonly webhookEndpoints: ReturnType<typeof webhookEndpoints>;

  constructor(options: WorkenOptions) {
    const connection = new Connection(options);
    this.projects = projects(connection);
    this.billing = billing(connection);
    this.bots = bots(connection);
    this.integrations = integrations(connection);
    this.chats = chats(connection);
    this.threads = threads(connection);
    this.schedules = schedules(connection);
    this.vectorStores = vectorStores(connection);
    this.files = files(connection);
    this.webhookEndpoints = webhookEndpoints(connection);
  }
}

export { Worken as Parley };
export { ConnectionError, WorkenError } from "./errors.ts";
export { verifyWebhook, WebhookVerificationError } from "./verify-webhook.ts";
export type { Answer, AnswerEvent } from "./answer.ts";
export type { CallOptions, Fetch, Listing, WorkenOptions } from "./connection.ts";
export type { Upload } from "./files.ts";
export type { EventsOptions } from "./live-events.ts";
export type * from "./types.ts";
