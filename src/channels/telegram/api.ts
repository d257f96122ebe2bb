import { ChannelFailure } from "../../core/channels/channels.ts";
import type { Account } from "../channel.ts";
import { credential } from "../channel.ts";
import { callVendor, postJson } from "../vendor-call.ts";

type Answer = {
  ok?: boolean;
  result?: unknown;
  error_code?: number;
  description?: string;
  parameters?: { retry_after?: number; migrate_to_chat_id?: number };
};

const tokenOf = (account: Account) => encodeURIComponent(credential(account, "token")).replaceAll("%3A", ":");

const methodUrl = (account: Account, method: string) => `${account.baseUrl}/bot${tokenOf(account)}/${method}`;
export const fileUrl = (account: Account, path: string) =>
  `${account.baseUrl}/file/bot${tokenOf(account)}/${path.split("/").map(encodeURIComponent).join("/")}`;

/** A group that became a supergroup has another id since. */
export class ChatMoved extends ChannelFailure {
  readonly chatId: string;

  constructor(chatId: number) {
    super("unreachable", "the group has become a supergroup");
    this.chatId = String(chatId);
  }
}

/** Calls a method of the Bot API. */
export async function callBot<T>(account: Account, method: string, parameters: object = {}): Promise<T> {
  const { status, json } = await callVendor(account, methodUrl(account, method), postJson(parameters));
  const answer = (json ?? {}) as Answer;
  if (answer.ok) return answer.result as T;
  throw failureOf(answer.error_code ?? status, answer);
}

function failureOf(code: number, { description = "no reason given", parameters }: Answer): ChannelFailure {
  const said = `Telegram: ${description}`;
  if (parameters?.migrate_to_chat_id) return new ChatMoved(parameters.migrate_to_chat_id);
  // A token that never was one is not found.
  if (code === 401 || code === 404) return new ChannelFailure("auth_lost", said);
  if (code === 429) return new ChannelFailure("rate_limited", said, parameters?.retry_after ?? 1);
  if (code === 403 || /chat not found|user is deactivated|PEER_ID_INVALID/i.test(description)) {
    return new ChannelFailure("unreachable", said);
  }
  return new ChannelFailure(code >= 500 || code < 400 ? "temporary" : "refused", said);
}

/** What the Bot API says when it cannot read our markup, or finds it too long once read. */
export const isAboutMarkup = (error: unknown) =>
  error instanceof ChannelFailure && /parse entities|message is too long|ENTITY/i.test(error.message);
