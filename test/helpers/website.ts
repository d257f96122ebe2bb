type Page = string | Uint8Array<ArrayBuffer> | (() => Response | Promise<Response>);

const websites = new Map<string, Website>();
const realFetch = globalThis.fetch;

/** Set once for all files, which share one runtime. */
globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const website = websites.get(new URL(request.url).hostname);
  return website ? website.answer(request) : realFetch(request);
};

/** Somebody's website, under a name of its own; what it does not have is not found. */
export class Website {
  readonly host = `${crypto.randomUUID()}.website.example`;
  readonly pages: Record<string, Page>;
  readonly requests: Request[] = [];

  constructor(pages: Record<string, Page>) {
    this.pages = pages;
    websites.set(this.host, this);
  }

  urlOf = (path: string) => `https://${this.host}${path}`;

  async answer(request: Request): Promise<Response> {
    this.requests.push(request);
    const page = this.pages[new URL(request.url).pathname];
    if (page === undefined) return new Response("<html><h1>Not found</h1></html>", { status: 404 });
    return typeof page === "function" ? page() : new Response(page);
  }
}

export const redirect = (location: string) => () => new Response(null, { status: 302, headers: { location } });
