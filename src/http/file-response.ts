type StoredFile = { body: ReadableStream; mediaType: string; sizeBytes: number };

/** What strangers have sent is for saving, never for showing: no browser takes it for a page of ours. */
export const fileResponse = ({ body, mediaType, sizeBytes }: StoredFile) =>
  new Response(body, {
    headers: {
      "content-type": mediaType,
      "content-length": String(sizeBytes),
      "content-disposition": "attachment",
      "content-security-policy": "sandbox; default-src 'none'",
      "x-content-type-options": "nosniff",
    },
  });
