import { Agent, request } from "node:http";

/** What is sent, where to, and how an answer's words and its end are told. */
export type Target = {
  url: (turn: number) => string;
  key: string;
  body: string;
  word: string;
  end: string;
};

export type Load = { turns: number; concurrency: number; chunks: number };
export type Timings = { turnsPerSecond: number; firstTokenMs: number[] };

/** Takes so many turns, so many of them at a time; an answer that is not complete ends the bench. */
export async function takeTurns(target: Target, { turns, concurrency, chunks }: Load): Promise<Timings> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const firstTokenMs: number[] = [];
  let next = 0;
  const takeSome = async () => {
    while (next < turns) firstTokenMs.push(await takeTurn(agent, target, next++, chunks));
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: concurrency }, takeSome));
  const seconds = (performance.now() - begun) / 1000;
  agent.destroy();
  return { turnsPerSecond: turns / seconds, firstTokenMs };
}

/** Bytes are kept as they are and looked through once at the end, so that the load stays lighter than what it loads. */
function takeTurn(agent: Agent, target: Target, turn: number, chunks: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const url = target.url(turn);
  const headers = {
    authorization: `Bearer ${target.key}`,
    "content-type": "application/json",
    "content-length": target.body.length,
  };
  const sent = performance.now();
  const call = request(url, { method: "POST", agent, headers }, (response) => {
    const received: Buffer[] = [];
    let firstTokenMs = 0;
    response.on("data", (bytes: Buffer) => {
      received.push(bytes);
      if (firstTokenMs === 0 && bytes.includes(target.word)) firstTokenMs = performance.now() - sent;
    });
    response.on("error", reject);
    response.on("end", () => {
      const answer = Buffer.concat(received).toString("latin1");
      const words = answer.split(target.word).length - 1;
      if (words === chunks && answer.includes(target.end)) resolve(firstTokenMs);
      else reject(new Error(`${url} answered ${response.statusCode} with ${words} words of ${chunks}:\n${answer}`));
    });
  });
  call.on("error", reject);
  call.end(target.body);
  return promise;
}
