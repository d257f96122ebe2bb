import { ChannelFailure } from "../../core/channels/channels.ts";
import { credential, verifyGivenSecret, type Channel } from "../channel.ts";
import { composeSpoken } from "../spoken.ts";
import { callVendor, failureOf, postForm } from "../vendor-call.ts";
import { answerSalute, callerOf, isOurApp, LONGEST_TEXT, readSalute, speakSalute } from "./salute.ts";

/**
 * A SmartApp of the assistants Salute, https://developers.sber.ru/docs/ru/va/api/overview, and an account of the GigaChat API.
 * The address of the webhook is entered for the SmartApp by hand, with `?secret=` and the integration's `webhook_secret`.
 */
export const sber: Channel = {
  capabilities: {
    buttons: false,
    edits: false,
    files: false,
    maxTextLength: LONGEST_TEXT,
    debounceMs: 0,
    answerWithinMs: 5000,
  },

  verify: async (account, call) => (await verifyGivenSecret(account, call)) && isOurApp(account, call),

  read: (_account, call) => readSalute(call),

  caller: (_account, call) => callerOf(call),

  speak: speakSalute,

  answer: answerSalute,

  compose: (_account, outgoing) => composeSpoken(outgoing, LONGEST_TEXT),

  send: () => Promise.reject(new ChannelFailure("refused", "Salute speaks when it is spoken to")),

  async profile(account) {
    const [id, secret] = [credential(account, "client_id"), credential(account, "client_secret")];
    const project = credential(account, "project_id");
    if (!id && project) return { id: project, name: "Salute" };
    if (!id || !secret) throw new ChannelFailure("auth_lost", "Sber: client_id and client_secret are needed");
    const form = postForm({ scope: credential(account, "scope") || "GIGACHAT_API_PERS" });
    const headers = { authorization: `Basic ${btoa(`${id}:${secret}`)}`, rquid: crypto.randomUUID() };
    const answer = await callVendor(account, `${account.baseUrl}/api/v2/oauth`, {
      ...form,
      headers: { ...(form.headers as Record<string, string>), ...headers },
    });
    const { access_token, message } = (answer.json ?? {}) as { access_token?: string; message?: string };
    if (!answer.ok || !access_token) throw failureOf("Sber", answer, message);
    return { id, name: "GigaChat" };
  },
};
