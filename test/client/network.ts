import { exports } from "cloudflare:workers";
import { Worken, type Fetch } from "../../src/client/index.ts";
import { newChat } from "../helpers/project.ts";
import type { FakeModel } from "../helpers/upstream.ts";

/** The network between a client and our worker. */
export const direct: Fetch = (input, init) => exports.default.fetch(new Request(input, init));

export const clientOf = (apiKey: string, fetch = direct) => new Worken({ apiKey, baseUrl: "http://test/", fetch });

/** A thread that has not begun, and a client that reaches it through the given network. */
export async function newThread(model: FakeModel, fetch?: Fetch, ai?: object) {
  const chat = await newChat(model, ai);
  return { worken: clientOf(chat.project.key, fetch), thread: chat.thread(), chatId: chat.id, chat };
}

export type Break = "error" | "close";

/** Breaks streams, each after the next of so many bytes: with an error, or so that they seem to have ended. */
export function breaking(cuts: number[], how: Break = "error", network = direct): Fetch {
  return async (input, init) => {
    const response = await network(input, init);
    const isStream = response.headers.get("content-type") === "text/event-stream";
    const bytes = isStream ? cuts.shift() : undefined;
    return bytes === undefined ? response : new Response(broken(response.body!, bytes, how), response);
  };
}

function broken(body: ReadableStream<Uint8Array>, bytes: number, how: Break): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let left = bytes;
  return new ReadableStream(
    {
      async pull(controller) {
        const { value } = left > 0 ? await reader.read() : {};
        if (value) controller.enqueue(value.subarray(0, left));
        left -= value?.length ?? left;
        if (left > 0) return;
        void reader.cancel();
        if (how === "close") controller.close();
        else controller.error(new Error("connection reset"));
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/** Loses the answers to the first requests of a method, though the server has done what they ask. */
export function losing(method: string, count: number): Fetch {
  let lost = 0;
  return async (input, init) => {
    const response = await direct(input, init);
    if (init.method !== method || lost++ >= count) return response;
    await response.body?.cancel();
    throw new TypeError("fetch failed");
  };
}

/** A server that gives these answers, whatever it is asked; it keeps what that was. */
export function scripted(...answers: (() => Response)[]) {
  const asked: Request[] = [];
  const fetch: Fetch = async (input, init) => {
    asked.push(new Request(input, init));
    const answer = answers[asked.length - 1];
    if (!answer) throw new Error(`not in the script: ${init.method} ${input}`);
    return answer();
  };
  return { asked, worken: clientOf("sk-x", fetch) };
}
