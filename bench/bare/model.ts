export type ModelEnv = { OPENAI_BASE_URL: string; OPENAI_API_KEY: string };

export const askModel = ({ OPENAI_BASE_URL, OPENAI_API_KEY }: ModelEnv, body: object): Promise<Response> =>
  fetch(`${OPENAI_BASE_URL}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${OPENAI_API_KEY}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
