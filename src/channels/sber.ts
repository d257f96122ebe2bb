import { ChannelFailure } from "../core/channels.ts";
import { credential, withoutMessages, type Channel } from "./channel.ts";
import { callVendor, failureOf, postForm } from "./vendor-call.ts";

/** An account of Sber's GigaChat API. It has no conversations. */
export const sber: Channel = {
  ...withoutMessages,

  async profile(account) {
    const [id, secret] = [credential(account, "client_id"), credential(account, "client_secret")];
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
