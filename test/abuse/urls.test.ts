import { beforeAll, describe, expect, it } from "vitest";
import { about, attempt, complaintsOf } from "../helpers/attempt.ts";
import { callerOf, newTenant, pathWith, populate, type Ids, type Tenant } from "../helpers/populate.ts";
import { those } from "../helpers/routes.ts";
import { examplesOf, fieldsOf, replaceAt, valueAt, type Path } from "../helpers/schema-values.ts";
import { ignoreEarlierObjects, takeSnapshot } from "../helpers/snapshot.ts";

let tenant: Tenant;
let ids: Ids;

beforeAll(async () => {
  await ignoreEarlierObjects();
  tenant = await newTenant();
  ids = await populate(tenant);
});

/** Addresses that a browser shows and this server never calls. */
const ONLY_SHOWN = new Set(["avatar_url"]);

/** What is no address of the web. */
const ODD = [
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  "\tjavascript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "vbscript:x",
  "file:///etc/passwd",
  "ftp://example.com/a",
  "gopher://example.com:25/_HELO",
  "blob:https://example.com/x",
  "about:blank",
  "ws://example.com/",
  "//example.com/a",
  "/a",
  "example.com",
  "http://",
  "https:///",
  "http://[::1",
  "http://a b/",
  "http://\u0000/",
];

/** What a server must not be sent to: itself, its neighbours, and what its host tells about it. */
const INNER = [
  "http://127.0.0.1/",
  "http://127.1/",
  "http://2130706433/",
  "http://0x7f000001/",
  "http://0177.0.0.1/",
  "http://0/",
  "http://0.0.0.0:8080/",
  "http://localhost/",
  "http://LOCALHOST./",
  "http://a.localhost:3000/",
  "http://[::1]/",
  "http://[::]/",
  "http://[::ffff:127.0.0.1]/",
  "http://[::ffff:a00:1]/",
  "http://[64:ff9b::7f00:1]/",
  "http://[2002:7f00:1::]/",
  "http://[fe80::1]/",
  "http://[fc00::1]/",
  "http://10.0.0.1/",
  "http://172.16.0.1/",
  "http://192.168.1.1/",
  "http://100.64.0.1/",
  "http://169.254.169.254/latest/meta-data/",
  "http://metadata.google.internal/",
  "http://printer.local/",
  "http://intranet/",
  "http://224.0.0.1/",
  "http://255.255.255.255/",
  "http://\u2460\u2461\u2466.0.0.1/",
  "http://\uff11\uff12\uff17.0.0.1/",
  "http://127。0。0。1/",
  "http://user:password@example.com/",
  "http://example.com@127.0.0.1/",
  "http://example.com:22/",
  "http://example.com:25/",
];

/** The fields of a body that hold an address: by what they are, or by what they are called. */
const addressesIn = (example: unknown): Path[] =>
  fieldsOf(example).filter((path) => {
    const value = valueAt(example, path);
    return typeof value === "string" && (/^https?:/.test(value) || /ur[il]$/i.test(String(path.at(-1))));
  });

describe("an address that a tenant gives", () => {
  it.each(those(({ spec }) => spec.json))("leads out into the web or is refused: %s", async (_, row) => {
    const before = await takeSnapshot();
    const [path, caller] = [pathWith(row.path, ids), callerOf(row.spec, tenant)];
    for (const example of examplesOf(row.spec.json!, ids)) {
      for (const field of addressesIn(example)) {
        const refused = ONLY_SHOWN.has(String(field.at(-1))) ? ODD : [...ODD, ...INNER];
        for (const address of refused) {
          const outcome = await attempt(row, {
            path,
            caller,
            body: JSON.stringify(replaceAt(example, field, address)),
          });
          expect(about(`${field.join(".")} ${address}`, complaintsOf(row, outcome, { status: 422 }))).toEqual([]);
        }
      }
    }
    expect(await takeSnapshot()).toEqual(before);
  });
});
