import { createServer, request } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

/** Passes every request on, and loses every second answer: one is a 503, the next no answer at all. */
export async function startLosingProxy(target: string): Promise<{ url: string; close: () => void }> {
  let requests = 0;
  const proxy = createServer((incoming, outgoing) => {
    const turn = requests++ % 4;
    const { method, headers } = incoming;
    const passed = request(target + incoming.url, { method, headers }, (answer) => {
      if (turn % 2 === 1) return answer.pipe(outgoing.writeHead(answer.statusCode!, answer.headers));
      return answer.resume().on("end", () => (turn === 0 ? outgoing.writeHead(503).end() : incoming.socket.destroy()));
    });
    incoming.pipe(passed);
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, close: () => proxy.close() };
}
