import { z } from "zod";
import type { Path } from "./finding.ts";
import { keyDocs, toml } from "./keys.ts";
import { keyLabel, shownValue } from "./label.ts";
import type { SectionContext } from "./section.ts";

/** A key that lists statuses and ranges of them. */
export function statuses(about: { readonly default: readonly string[]; readonly doc: string }) {
  const schema = list().default([...about.default]);
  keyDocs.add(schema, {
    type: TYPE,
    preset: JSON.stringify(about.default),
    example: undefined,
    doc: about.doc,
  });
  return schema;
}

/** The same without a default. */
export function optionalStatuses(about: { readonly example: readonly string[]; readonly doc: string }) {
  const schema = list().optional();
  keyDocs.add(schema, { type: TYPE, preset: undefined, example: toml(about.example), doc: about.doc });
  return schema;
}

const TYPE = "array of statuses or ranges";

function list() {
  return z.array(
    z.union([z.string(), z.int()], { error: 'expected a status (200) or a range ("200-399")' }),
    {
      error: "expected an array of statuses",
    },
  );
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
