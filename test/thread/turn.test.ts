import { describe, expect, it } from "vitest";
import { newChat } from "../helpers/project.ts";
import { FakeModel, says } from "../helpers/upstream.ts";

describe("a turn", () => {
  it("streams the model's words in the API's own events, and stores both messages", async () => {
    const model = new FakeModel(says("Within ", "30 days."));
    const thread = (await newChat(model, { instruction: "Be brief." })).thread();
    const { text, events } = await thread.ask("What is your return policy?");
    expect(events).toEqual([
      { type: "text-delta", textDelta: "Within " },
      { type: "text-delta", textDelta: "30 days." },
      { type: "finish", finishReason: "stop" },
    ]);
    expect(text).toBe("Within 30 days.");
    expect(await thread.messages()).toMatchObject([
      { role: "user", content: "What is your return policy?", status: "complete" },
      {
        role: "assistant",
        content: "Within 30 days.",
        status: "complete",
        usage: { input_tokens: 7, output_tokens: 3 },
      },
    ]);
    expect(model.requests[0]!.messages).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "What is your return policy?" },
    ]);
  });
});
