import { z } from "zod";
import type { Path } from "./finding.ts";
import { keyLabel, shownValue } from "./label.ts";
import type { SectionContext } from "./section.ts";

/** A date, or a date and time with offset: TOML's own, or as text. */
export const moment = z
  .union([z.string().max(64), z.instanceof(Date)], {
    error: "expected a date (2030-06-30) or a date and time with offset",
  })
  .optional();

/** When something ends, ms since the epoch. A finding where it is no moment, or where the end is `past`. */
export function readEnd(
  path: Path,
  value: string | Date,
  past: { readonly code: "Z2111" | "Z2117"; readonly says: string },
  { findings, now }: SectionContext,
): number | undefined {
  const text = momentText(value);
  const endMs = readMoment(text);
  if (endMs === undefined)
    findings.add({
      code: "Z1106",
      path,
      message: `${keyLabel(path)}: ${shownValue(path, text)} is not a date, or a time without its offset`,
      fix: "write 2030-06-30, or 2030-06-30T18:00:00Z",
    });
  else if (endMs <= now())
    findings.add({
      code: past.code,
      path,
      message: `${keyLabel(path)}: ${past.says} on ${text.slice(0, 10)}`,
    });
  return endMs;
}

/** As `readMoment` takes it. A date of TOML prints as it was written, but for fractions of a second. */
function momentText(value: string | Date): string {
  return typeof value === "string" ? value : value.toISOString();
}

/** RFC 3339: a full date (its first moment in UTC), or a date and time with offset. Milliseconds since the epoch. */
export function readMoment(text: string): number | undefined {
  const parts = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)([Zz]|[+-]\d\d:\d\d))?$/.exec(
    text,
  );
  if (parts === null) return undefined;
  const [, year, month, day, time = "00:00:00", zone = "Z"] = parts;
  const midnight = Date.parse(`${year}-${month}-${day}T00:00:00Z`);
  // Some readers turn the 31st of February into a day of March.
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(`${year}-${month}-${day}`))
    return undefined;
  const at = Date.parse(`${year}-${month}-${day}T${time}${zone.toUpperCase()}`);
  return Number.isNaN(at) ? undefined : at;
}
