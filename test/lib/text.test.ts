import * as fc from "fast-check";
import { expect, it } from "vitest";
import { PieceDecoder } from "../../src/lib/text.ts";

it("decodes a text the same, wherever its bytes are cut", () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 });
  const text = fc.string({ unit: fc.constantFrom("a", "\n", "é", "я", "漢", "👩🏽‍💻", "\uFEFF") });
  fc.assert(
    fc.property(text, pieces, (whole, sizes) => {
      const bytes = new TextEncoder().encode(`${whole}\n`);
      const decoder = new PieceDecoder();
      let decoded = "";
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = sizes[turn % sizes.length]!;
        decoded += decoder.decode(bytes.subarray(at, at + size));
        at += size;
      }
      expect(decoded).toBe(`${whole}\n`);
    }),
  );
});
