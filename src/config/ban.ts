import { z } from "zod";
import type { BanConfig } from "./config.ts";
import { choice, flag, int, texts } from "./keys.ts";
import { keyLabel, shownValue } from "./label.ts";
import type { SectionContext } from "./section.ts";

/** `[ban]`. */
export const ban = z.strictObject({
  threshold: int({
    min: 1,
    max: 1_000_000,
    default: 20,
    doc: "Refused requests of one client (IPv6: /64) within the window, all workers together, after which it is banned.",
  }),
  window_secs: int({ min: 1, max: 86_400, default: 60, doc: "The window." }),
  from: texts({
    type: 'array of "waf", "limit"',
    default: ["waf", "limit"],
    doc: "What counts: requests refused by rules of the WAF, and by rate limits or the cap of exchanges per address.",
  }),
  ban_secs: int({
    min: 1,
    max: 31_536_000,
    default: 300,
    doc: "The first ban. Each further one is twice as long as the one before.",
  }),
  ban_max_secs: int({
    min: 1,
    max: 31_536_000,
    default: 86_400,
    doc: "The longest. A client that stayed away for as long begins anew.",
  }),
  max_bans: int({
    min: 10,
    max: 100_000,
    default: 10_000,
    doc: "Bans at once; above it the oldest is forgotten.",
  }),
  action: choice(
    ["refuse", "tarpit"],
    "refuse",
    "refuse: 403 at once. tarpit: 403 after a while, see [tarpit].",
  ),
  shadow: flag(false, "Log who would be banned, ban nobody."),
});

const causes = ["waf", "limit"];

export function readBan(input: z.infer<typeof ban>, { findings }: SectionContext): BanConfig {
  for (const [i, text] of input.from.entries()) {
    if (causes.includes(text)) continue;
    const path = ["ban", "from", i];
    findings.add({
      code: "Z1045",
      path,
      message: `${keyLabel(path)}: ${shownValue(path, text)} is not one of its values`,
      fix: 'use "waf", "limit" or both',
    });
  }
  if (input.from.length === 0)
    findings.add({
      code: "Z1106",
      path: ["ban", "from"],
      message: `${keyLabel(["ban", "from"])} is empty: nobody would ever be banned`,
      fix: "name a cause, or remove [ban]",
    });
  if (input.ban_max_secs < input.ban_secs)
    findings.add({
      code: "Z1214",
      path: ["ban", "ban_max_secs"],
      message: "`ban_max_secs` in [ban] is shorter than `ban_secs`",
      fix: "write a longer one",
    });
  return {
    threshold: input.threshold,
    windowSecs: input.window_secs,
    from: input.from,
    banSecs: input.ban_secs,
    banMaxSecs: input.ban_max_secs,
    maxBans: input.max_bans,
    action: input.action,
    shadow: input.shadow,
  };
}
