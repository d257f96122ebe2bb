import { describe, expect, it } from "vitest";
import { requireOutboundUrl } from "../../src/core/outbound.ts";
import { refusalOf, type OutboundPolicy } from "../../src/lib/outbound-policy.ts";

const strict: OutboundPolicy = { mode: "strict", allow: [], ownUrl: "https://parley.example.com" };
const local: OutboundPolicy = { ...strict, mode: "local", ownUrl: "http://127.0.0.1:8787" };

const PUBLIC = [
  "https://hooks.example.com/a?b=c",
  "http://example.com",
  "https://example.com:8443/x",
  "https://example.com.:443/x",
  "https://пример.рф/хук",
  "https://8.8.8.8/hook",
  "https://172.32.0.1/hook",
  "https://100.128.0.1/",
  "https://[2606:4700:4700::1111]/hook",
  "https://local.example.com",
  "https://notlocalhost.com",
];

const LOOPBACK = [
  "http://localhost:9000",
  "http://LOCALHOST.:9000",
  "http://app.localhost",
  "http://127.0.0.1:9000",
  "http://127.1",
  "http://127.255.255.254",
  "http://2130706433",
  "http://0x7f.1",
  "http://0x7f000001",
  "http://017700000001",
  "http://①②⑦.0.0.1",
  "http://127。0。0。1",
  "http://127.0.0.1.",
  "http://%31%32%37.0.0.1",
  "http://[::1]:9000",
];

const SPECIAL = [
  "http://0.0.0.0",
  "http://0",
  "http://0.1.2.3",
  "http://10.0.0.1",
  "http://100.64.0.1",
  "http://100.127.255.255",
  "http://169.254.169.254/latest/meta-data",
  "http://172.16.0.1",
  "http://172.31.255.255",
  "http://192.0.0.8",
  "http://192.0.2.1",
  "http://192.31.196.1",
  "http://192.52.193.1",
  "http://192.88.99.1",
  "http://192.168.1.1",
  "http://192.175.48.1",
  "http://198.18.0.1",
  "http://198.19.255.255",
  "http://198.51.100.1",
  "http://203.0.113.1",
  "http://224.0.0.1",
  "http://239.255.255.255",
  "http://240.0.0.1",
  "http://255.255.255.255",
  "http://[::]",
  "http://[::7f00:1]",
  "http://[::ffff:7f00:1]",
  "http://[::ffff:127.0.0.1]",
  "http://[::ffff:8.8.8.8]",
  "http://[::ffff:0:127.0.0.1]",
  "http://[64:ff9b::7f00:1]",
  "http://[64:ff9b:1::a00:1]",
  "http://[100::1]",
  "http://[2001::1]",
  "http://[2001:2::1]",
  "http://[2001:3::1]",
  "http://[2001:4:112::1]",
  "http://[2001:10::1]",
  "http://[2001:20::1]",
  "http://[2001:30::1]",
  "http://[2001:db8::1]",
  "http://[2002:7f00:1::]",
  "http://[2002:a00:1::1]",
  "http://[2620:4f:8000::1]",
  "http://[3fff::1]",
  "http://[4000::1]",
  "http://[5f00::1]",
  "http://[fc00::1]",
  "http://[fd12:3456::1]",
  "http://[fe80::1]",
  "http://[fec0::1]",
  "http://[ff02::1]",
  "http://metadata",
  "http://receiver:9000",
  "http://printer.local",
  "http://metadata.google.internal",
  "http://db.corp.",
  "http://router.home.arpa",
];

const NO_TARGET = [
  ["ftp://example.com", "must be an http or https URL"],
  ["data:text/plain,hi", "must be an http or https URL"],
  ["javascript:alert(1)", "must be an http or https URL"],
  ["//example.com", "must be an http or https URL"],
  ["example.com/hook", "must be an http or https URL"],
  ["http://[fe80::1%25eth0]", "must be an http or https URL"],
  ["", "must be an http or https URL"],
  ["https://user@example.com", "must not carry a user name or password"],
  ["https://:secret@example.com", "must not carry a user name or password"],
  ["https://example.com@127.0.0.1", "must not carry a user name or password"],
  ["https://example.com:22", "must not use port 22"],
  ["https://example.com:1023", "must not use port 1023"],
  ["https://example.com:0", "must not use port 0"],
  ["https://parley.example.com/webhook-endpoints", "must not be this server itself"],
  ["http://PARLEY.example.com.:8080", "must not be this server itself"],
] as const;

describe("an address that a tenant chose", () => {
  it.each(PUBLIC)("may be called when it is public: %s", (url) => {
    expect(refusalOf(url, strict)).toBeNull();
  });

  it.each([...LOOPBACK, ...SPECIAL])("is refused when it leads inside: %s", (url) => {
    expect(refusalOf(url, strict)).toBe("must not be a private, reserved or local address");
  });

  it.each(NO_TARGET)("is refused: %s", (url, reason) => {
    expect(refusalOf(url, strict)).toBe(reason);
  });

  it.each(LOOPBACK)("may be this machine under the local policy: %s", (url) => {
    expect(refusalOf(url, local)).toBeNull();
  });

  it.each(SPECIAL)("is refused under the local policy too when it is anything else inside: %s", (url) => {
    expect(refusalOf(url, local)).not.toBeNull();
  });

  it.each(["http://127.0.0.1:8787", "http://localhost:8787", "http://[::1]:8787"])(
    "is never the local server itself: %s",
    (url) => {
      expect(refusalOf(url, local)).toBe("must not be this server itself");
    },
  );

  it("is open where the operator names it, and only there", () => {
    const policy = { ...strict, allow: ["receiver:9000", "10.0.0.1:22", "[fd00::1]:8080", "printer.local"] };
    for (const url of [
      "http://receiver:9000/x",
      "http://10.0.0.1:22",
      "http://[fd00::1]:8080",
      "http://printer.local",
    ]) {
      expect(refusalOf(url, policy)).toBeNull();
    }
    for (const url of ["http://receiver:9001", "http://10.0.0.1", "ftp://receiver:9000", "http://u:p@receiver:9000"]) {
      expect(refusalOf(url, policy)).not.toBeNull();
    }
  });

  it("is named by its field when it is refused", () => {
    expect(() => requireOutboundUrl({ outboundPolicy: strict }, "url", "http://10.0.0.1")).toThrow(
      expect.objectContaining({ code: "invalid", message: "url: must not be a private, reserved or local address" }),
    );
  });
});
