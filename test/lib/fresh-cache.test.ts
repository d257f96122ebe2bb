import { describe, expect, it } from "vitest";
import { FreshCache } from "../../src/lib/fresh-cache.ts";

const newCache = () => new FreshCache<string>({ freshMs: 2000, staleMs: 60_000, mostEntries: 3 });
const reads = (value: string | null) => () => Promise.resolve(value);
const away = () => Promise.reject(new Error("D1 is away"));

describe("what was read", () => {
  it("serves for two seconds, and not longer while it can be read", async () => {
    const cache = newCache();
    expect(await cache.get("a", 0, reads("old"))).toBe("old");
    expect(await cache.get("a", 1999, reads("new"))).toBe("old");
    expect(await cache.get("a", 2000, reads("new"))).toBe("new");
  });

  it("serves for a minute while it cannot be read, and not longer", async () => {
    const cache = newCache();
    await cache.get("a", 0, reads("old"));
    expect(await cache.get("a", 59_999, away)).toBe("old");
    await expect(cache.get("a", 60_000, away)).rejects.toThrow("D1 is away");
  });

  it("is not taken for fresh by a clock that was set back", async () => {
    const cache = newCache();
    await cache.get("a", 3_600_000, reads("old"));
    expect(await cache.get("a", 0, reads("new"))).toBe("new");
  });

  it("is forgotten when it is not there any more", async () => {
    const cache = newCache();
    await cache.get("a", 0, reads("old"));
    expect(await cache.get("a", 2000, reads(null))).toBeNull();
    await expect(cache.get("a", 2001, away)).rejects.toThrow("D1 is away");
  });

  it("does not serve once it is deleted, also while it cannot be read", async () => {
    const cache = newCache();
    await cache.get("a", 0, reads("old"));
    cache.delete((value) => value === "old");
    await expect(cache.get("a", 1, away)).rejects.toThrow("D1 is away");
  });

  it("is bounded: the oldest makes room", async () => {
    const cache = newCache();
    for (const key of ["a", "b", "c", "d"]) await cache.get(key, 0, reads(key));
    expect(await cache.get("b", 1, reads("read again"))).toBe("b");
    expect(await cache.get("a", 1, reads("read again"))).toBe("read again");
  });
});
