import { z } from "zod";

/** A date, or a date and time with offset: TOML's own, or as text. */
export const moment = z
  .union([z.string().max(64), z.instanceof(Date)], {
    error: "expected a date (2030-06-30) or a date and time with offset",
  })
  .optional();

/** As `readMoment` takes it. A date of TOML prints as it was written, but for fractions of a second. */
export function momentText(value: string | Date): string {
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
