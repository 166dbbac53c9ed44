import { z } from "zod";
import type { TarpitConfig } from "./config.ts";
import { int } from "./keys.ts";
import { keyLabel } from "./label.ts";
import type { DocumentInput } from "./schema.ts";
import type { SectionContext } from "./section.ts";

const holdSecs = 10;
const maxHeld = 128;

/** `[tarpit]`. */
export const tarpit = z.strictObject({
  hold_secs: int({
    min: 1,
    max: 300,
    default: holdSecs,
    doc: "How long a refusal is held back where an action is `tarpit`.",
  }),
  max_held: int({
    min: 1,
    max: 100_000,
    default: maxHeld,
    doc: "Requests held at once, per worker, and at most a quarter of its connections. Above it they are refused at once.",
  }),
});

/** There is one tarpit; the reference gateway's keys for it are taken where `[tarpit]` is absent. */
export function readTarpit(document: DocumentInput, { findings }: SectionContext): TarpitConfig {
  const own = document.tarpit;
  const other = document.sovereign?.enforce.tarpit;
  if (own === undefined)
    return { holdSecs: other?.hold_secs ?? holdSecs, maxHeld: other?.max_concurrent ?? maxHeld };
  const said = { hold_secs: own.hold_secs, max_concurrent: own.max_held };
  for (const key of ["hold_secs", "max_concurrent"] as const) {
    if (other?.[key] === undefined || other[key] === said[key]) continue;
    const path = ["sovereign", "enforce", "tarpit", key];
    findings.add({
      code: "Z1214",
      path,
      message: `${keyLabel(path)}: [tarpit] says ${said[key]} for everything that is held`,
      related: [{ path: ["tarpit"], at: "key", label: "the other one" }],
    });
  }
  return { holdSecs: own.hold_secs, maxHeld: own.max_held };
}
