import { z } from "zod";
import type { Path } from "./finding.ts";
import { keyDocs } from "./keys.ts";
import { keyLabel, shownValue } from "./label.ts";
import type { SectionContext } from "./section.ts";

/** A key that lists statuses and ranges of them. */
export function statuses(about: { readonly default: readonly string[]; readonly doc: string }) {
  const schema = z
    .array(z.union([z.string(), z.int()], { error: 'expected a status (200) or a range ("200-399")' }), {
      error: "expected an array of statuses",
    })
    .default([...about.default]);
  keyDocs.add(schema, {
    type: "array of statuses or ranges",
    preset: JSON.stringify(about.default),
    example: undefined,
    doc: about.doc,
  });
  return schema;
}

/** The ranges, inclusive. */
export function readStatuses(
  path: Path,
  statuses: readonly (string | number)[],
  context: SectionContext,
): readonly (readonly [number, number])[] {
  const ranges: [number, number][] = [];
  for (const [i, status] of statuses.entries()) {
    const match = /^([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?$/.exec(String(status));
    const low = Number(match?.[1]);
    const high = match?.[2] === undefined ? low : Number(match[2]);
    if (match !== null && low <= high) {
      ranges.push([low, high]);
      continue;
    }
    const hundreds = /^([1-5])xx$/i.exec(String(status))?.[1];
    const at = [...path, i];
    const suggestion = hundreds === undefined ? undefined : `${hundreds}00-${hundreds}99`;
    context.findings.add({
      code: "Z1106",
      path: at,
      message: `${keyLabel(at)}: ${shownValue(at, status)} is not a status from 100 to 599, nor a range of them`,
      suggestion,
      label: suggestion === undefined ? "" : `did you mean "${suggestion}"?`,
      fix: 'write a status (204) or a range ("200-399")',
    });
  }
  return ranges;
}
