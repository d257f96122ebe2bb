/** How long each of so many requests takes to its last byte, one after the other. */
export async function timesOf(
  count: number,
  requestOf: (number: number) => { url: string; key?: string; body?: string },
): Promise<number[]> {
  const times: number[] = [];
  for (let number = 0; number < count; number++) {
    const begun = performance.now();
    await read(requestOf(number));
    times.push(performance.now() - begun);
  }
  return times;
}

async function read({ url, key, body }: { url: string; key?: string; body?: string }): Promise<string> {
  const headers = {
    "content-type": "application/json",
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
  };
  const response = await fetch(url, body === undefined ? { headers } : { method: "POST", headers, body });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  return text;
}
