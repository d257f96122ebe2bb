import type { Vendor } from "../core/channels/credentials.ts";
import type { Channel } from "./channel.ts";
import { amocrm } from "./amocrm.ts";
import { avito } from "./avito.ts";
import { bitrix } from "./bitrix.ts";
import { github } from "./github/index.ts";
import { google } from "./google/index.ts";
import { max } from "./max.ts";
import { ok } from "./ok.ts";
import { sber } from "./sber/index.ts";
import { telegram } from "./telegram/index.ts";
import { vk } from "./vk.ts";
import { whatsapp } from "./whatsapp.ts";
import { yandex } from "./yandex/index.ts";

/** To add a vendor: its file and its line here, its payloads and a fake of it in `test/channels/vendors`. */
export const channels: { [V in Vendor]?: Channel } = {
  telegram,
  whatsapp,
  vk,
  ok,
  max,
  avito,
  amocrm,
  bitrix,
  github,
  google,
  yandex,
  sber,
};
