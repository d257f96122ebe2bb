import type { FilePort } from "../core/ports.ts";

const PAGE = 500;

/** The core's port to stored files, made of an R2 bucket. */
export const filePort = (bucket: R2Bucket): FilePort => ({
  async put(key, body, contentType) {
    const { size } = await bucket.put(key, body, { httpMetadata: { contentType } });
    return { sizeBytes: size };
  },
  async get(key) {
    const found = await bucket.get(key);
    const mediaType = found?.httpMetadata?.contentType ?? "application/octet-stream";
    return found && { body: found.body, mediaType, sizeBytes: found.size };
  },
  async deleteAll(prefix) {
    for (;;) {
      const { objects, truncated } = await bucket.list({ prefix, limit: PAGE });
      if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key));
      if (!truncated) return;
    }
  },
});
