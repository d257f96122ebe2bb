import type { Vendor } from "../core/credentials.ts";
import type { Channel } from "./channel.ts";
import { telegram } from "./telegram/index.ts";

/** To add a vendor: write its file, add it here, add its sample payloads to `test/channels/samples.ts`. */
export const channels: { [V in Vendor]?: Channel } = { telegram };
