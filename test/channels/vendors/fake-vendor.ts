import { fakeVendors } from "../../helpers/upstream.ts";

export type Fields = { [name: string]: unknown };
export type Said = { chat: string; user: string; text: string; id: string; at: Date };
type Sent = { to: string; text: string; buttons: string[] };

/** One account at a fake of a vendor: what it has been sent, and how it misbehaves. */
export class FakeVendor {
  readonly sent: Sent[] = [];
  readonly calls: string[] = [];
  /** Where the vendor was told to call. */
  webhook: { url: string; secret: string } | null = null;
  revoked = false;
  unreachable = false;
  /** So many calls are told that they are too many. */
  limited = 0;

  send(to: string, text: string, buttons: string[] = []): string {
    this.sent.push({ to, text, buttons });
    return `sent-${this.sent.length}`;
  }

  /** Whether this call is one too many. */
  get isLimited(): boolean {
    if (this.limited === 0) return false;
    this.limited -= 1;
    return true;
  }
}

/** What the contract's suite needs to know of a vendor. The payloads have the shapes of its public documentation. */
export type Sample = {
  vendor: string;
  open: () => { fake: FakeVendor; auth_data: Fields };
  /** The body with which the vendor tells that somebody has written. */
  says: (said: Said, account: Fields) => string;
  /** Bodies of calls that are not for us: our own words, other events. */
  ignored: (said: Said, account: Fields) => string[];
  /** What makes a call the vendor's own. */
  sign: (
    body: string,
    account: Fields,
    webhook: FakeVendor["webhook"],
  ) => Promise<{ headers?: Record<string, string>; query?: string }>;
  contentType?: string;
  /** The body with which the vendor tells that a button was pressed; absent: there are none. */
  presses?: (said: Said, payload: string, account: Fields) => string;
  /** A fresh conversation, as the vendor names it. */
  chat: () => string;
  /** What a person hears in the answer to their own call, for a vendor that brings them our words in no other way. */
  hears?: (body: string) => { text: string; buttons: string[] };
  /** Whether the vendor is ready to be written through, where it is not told where we are. */
  isReady?: (fake: FakeVendor) => boolean;
  /** Where its API is, where that is not at the vendor's name. */
  origin?: string;
  /** What is in the name of the account, where it is not "Shop". */
  name?: string;
  /** Whether the vendor lets itself be told where we are. */
  setsUp: boolean;
  /** Whether it is told when we go. */
  tearsDown: boolean;
};

let last = 10_000;
export const number = () => ++last;
export const seconds = (at: Date) => Math.floor(at.getTime() / 1000);

export const fakeAt = (origin: string, answer: (request: Request, url: URL) => Response | Promise<Response>) =>
  fakeVendors.set(origin, async (request) => {
    try {
      return await answer(request, new URL(request.url));
    } catch (error) {
      // A fake that fails must not look like a vendor that is down.
      console.error("fake", error);
      return Response.json({ fake: String(error) }, { status: 400 });
    }
  });

/** What a documented method requires, and a caller forgot. */
export function required(fields: Fields, ...names: string[]): void {
  const missing = names.filter((name) => fields[name] === undefined || fields[name] === "");
  if (missing.length > 0) throw new Error(`missing ${missing.join()}`);
}
