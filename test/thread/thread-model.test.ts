import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { newChat } from "../helpers/project.ts";
import { machineCommands, RealThread } from "./machine-commands.ts";
import { objectCommands, ObedientModel, ServedThread } from "./object-commands.ts";
import { ThreadModel } from "./thread-model.ts";

it("keeps a thread as the rules say, whatever is done to it and whenever it is lost", () => {
  const checked = runInDurableObject(env.THREADS.getByName(crypto.randomUUID()), (_, { storage }) =>
    fc.assert(
      fc.property(machineCommands, (commands) =>
        fc.modelRun(() => ({ model: new ThreadModel(), real: new RealThread(storage) }), commands),
      ),
      { numRuns: 150 },
    ),
  );
  return expect(checked).resolves.toBeUndefined();
});

it("serves a thread as the rules say, whatever is asked of it and whenever its object crashes", async () => {
  const obedient = new ObedientModel();
  const chat = await newChat(obedient.model);
  const checked = fc.assert(
    fc.asyncProperty(objectCommands, (commands) =>
      fc.asyncModelRun(() => ({ model: new ThreadModel(), real: new ServedThread(chat, obedient) }), commands),
    ),
    { numRuns: 12 },
  );
  await expect(checked).resolves.toBeUndefined();
}, 60_000);
