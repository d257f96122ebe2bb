import { amocrm } from "./vendors/amocrm.ts";
import { avito } from "./vendors/avito.ts";
import { bitrix } from "./vendors/bitrix.ts";
import { github } from "./vendors/github.ts";
import { google } from "./vendors/google.ts";
import { max } from "./vendors/max.ts";
import { ok } from "./vendors/ok.ts";
import { sber } from "./vendors/sber.ts";
import { telegram } from "./vendors/telegram.ts";
import { vk } from "./vendors/vk.ts";
import { whatsapp } from "./vendors/whatsapp.ts";
import { yandex } from "./vendors/yandex.ts";

/** Every vendor's payloads and fake. To add a vendor: its file, its line. */
export const samples = { telegram, whatsapp, vk, ok, max, avito, amocrm, bitrix, github, google, yandex, sber };
