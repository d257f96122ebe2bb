import type { Json } from "../../core/messages.ts";
import { credential, type Account } from "../channel.ts";
import { callGithub } from "./api.ts";
import { EVENTS } from "./read.ts";

export const webhookSecret = (account: Account) =>
  credential(account, "webhook_secret") || account.secrets.webhookSecret;

const repositoryOf = (account: Account) => credential(account, "repository");

type Hook = { id: number; config?: { url?: string } };

/** Adds our webhook to the integration's repository, or renews the one that is there. Without a repository it is added by hand. */
export async function addHook(account: Account, url: string): Promise<{ [name: string]: Json }> {
  const repository = repositoryOf(account);
  if (!repository) return {};
  const path = `repos/${repository}/hooks`;
  const hooks = await callGithub<Hook[]>(account, `${path}?per_page=100`);
  const known = hooks.find(({ config }) => config?.url === url);
  const config = { url, content_type: "json", secret: webhookSecret(account), insecure_ssl: "0" };
  const wanted = { name: "web", active: true, events: EVENTS, config };
  const { id } = known
    ? await callGithub<Hook>(account, `${path}/${known.id}`, { method: "PATCH", body: wanted })
    : await callGithub<Hook>(account, path, { method: "POST", body: wanted });
  return { hookId: id };
}

export async function removeHook(account: Account): Promise<void> {
  const [repository, id] = [repositoryOf(account), account.secrets["hookId"]];
  if (repository && typeof id === "number")
    await callGithub(account, `repos/${repository}/hooks/${id}`, { method: "DELETE" });
}
