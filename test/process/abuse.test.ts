import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Server } from "./server.ts";

let server: Server;

beforeAll(async () => {
  server = await Server.start();
});

afterAll(() => server.kill());

/** Writes bytes as no client would, and answers what came back, if anything, until the socket ends or is let go. */
async function raw(text: string, then: "wait" | "leave" = "wait"): Promise<string> {
  const socket = connect(server.port, "127.0.0.1");
  let answer = "";
  socket.on("data", (data: Buffer) => (answer += data.toString("latin1")));
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(Buffer.from(text, "latin1"));
  const enough = new Promise((resolve) => setTimeout(resolve, then === "wait" ? 400 : 50));
  await Promise.race([new Promise((resolve) => socket.on("close", resolve)), enough]);
  socket.destroy();
  return answer;
}

const head = (...lines: string[]) =>
  [
    `POST /bots HTTP/1.1`,
    `Host: 127.0.0.1:${server.port}`,
    `Authorization: Bearer ${server.demo.key}`,
    "Content-Type: application/json",
    ...lines,
    "",
    "",
  ].join("\r\n");

const CHUNKED = "Transfer-Encoding: chunked";

/** What comes over the wire where a request is due. */
const WIRE: Record<string, () => string> = {
  "a chunk of no length": () => `${head(CHUNKED)}zz\r\n{}\r\n0\r\n\r\n`,
  "a chunk longer than it says": () => `${head(CHUNKED)}2\r\n{"name":"x"}\r\n0\r\n\r\n`,
  "a chunk of endless length": () => `${head(CHUNKED)}ffffffffffffffffff\r\n{}\r\n`,
  "a chunk below nothing": () => `${head(CHUNKED)}-1\r\n{}\r\n0\r\n\r\n`,
  "a chunk and nothing more": () => `${head(CHUNKED)}5\r\n{"na`,
  "a body shorter than it says": () => `${head("Content-Length: 500")}{"name":"x"`,
  "a length that is none": () => `${head("Content-Length: x")}{}`,
  "a length below nothing": () => `${head("Content-Length: -1")}{}`,
  "two lengths": () => `${head("Content-Length: 2", "Content-Length: 4")}{}{}`,
  "a length and chunks": () => `${head("Content-Length: 2", CHUNKED)}2\r\n{}\r\n0\r\n\r\n`,
  "chunks twice": () => `${head(CHUNKED, "Transfer-Encoding: identity")}2\r\n{}\r\n0\r\n\r\n`,
  "a header without a name": () => head(": x"),
  "a header with a zero byte": () => head("X-Request-Id: a\u0000b"),
  "a header folded": () => head("X-Request-Id: a\r\n b"),
  "a carriage return alone": () => head("X-Request-Id: a\rX-Injected: 1"),
  "a header without end": () => head(`X-Long: ${"x".repeat(200_000)}`),
  "no HTTP": () => "hello\r\n\r\n",
  "zero bytes": () => "\u0000".repeat(1000),
  "a handshake of TLS": () => "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
  "another version": () => "GET / HTTP/9.9\r\n\r\n",
  "HTTP/2 without asking": () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "no host": () => "GET /bots HTTP/1.1\r\n\r\n",
  "an odd host": () => "GET /bots HTTP/1.1\r\nHost: a b/..\u0000\r\n\r\n",
  "a whole address": () => "GET http://169.254.169.254/latest HTTP/1.1\r\nHost: x\r\n\r\n",
  "a path that climbs": () => "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
  "a path of odd bytes": () => "GET /bots/\u00ff\u00fe HTTP/1.1\r\nHost: x\r\n\r\n",
  "a long path": () => `GET /${"x".repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  "an upgrade to nothing": () =>
    "GET /threads/events HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  "two requests in one": () => "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
};

describe("a server that hears what is no HTTP", () => {
  it.each(Object.keys(WIRE))("goes on: %s", async (what) => {
    const answer = await raw(WIRE[what]!());
    await raw(WIRE[what]!(), "leave");
    expect(answer).not.toMatch(/^x-injected|workerd|wrangler|\.ts:\d/im);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(server.output).not.toContain("has fallen");
  });

  it("has stored nothing of it", async () => {
    const bots = await (await server.fetch("GET", "/bots")).json();
    expect(bots).toHaveLength(1);
  });
});
