import { ldap } from "../../../src/waf/detect/ldap.ts";
import { mail } from "../../../src/waf/detect/mail.ts";
import { nosql } from "../../../src/waf/detect/nosql.ts";
import { sql } from "../../../src/waf/detect/sql.ts";
import { xpath } from "../../../src/waf/detect/xpath.ts";
import type { Detection, Detector } from "../../../src/waf/detection.ts";

export const queryDetectors = { sql, nosql, ldap, xpath, mail } as const;

/** Kinds that rules use above sensitivity 1 only. */
export function isLoose(kind: string): boolean {
  return (
    kind.includes(".loose_") ||
    kind === "sql.statement" ||
    kind === "sql.script" ||
    kind === "xpath.expression"
  );
}

/** The kinds that `detector` reports for a text, as the engine would ask it: only when a trigger occurs. */
export function kindsOf(detector: Detector, value: string): string[] {
  return detectionsOf(detector, value).map(({ kind }) => kind);
}

export function detectionsOf(detector: Detector, value: string): Detection[] {
  const text = Buffer.from(value, "utf8").toString("latin1");
  const lower = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const found: Detection[] = [];
  if (isCalled(detector, lower)) detector.detect({ text, lower }, found);
  return found;
}

function isCalled({ triggers, words = [] }: Detector, lower: string): boolean {
  if (triggers.some((trigger) => lower.includes(trigger))) return true;
  return words.some((word) =>
    new RegExp(`(?:(?<![a-z])|(?<=0x[0-9a-f]+)|(?<=[0-9.][d-f]))${word}(?![a-z])`).test(lower),
  );
}
