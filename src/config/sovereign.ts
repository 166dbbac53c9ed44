import { z } from "zod";
import { type Cidr, parseCidr } from "../identity/address.ts";
import { buildRangeTable, printWords } from "../identity/range-table.ts";
import { readCidr } from "./address.ts";
import type { SovereignConfig } from "./config.ts";
import { checkDefined, checkName } from "./definition.ts";
import type { Path } from "./finding.ts";
import { flag, keyDocs, optionalInt, real, texts } from "./keys.ts";
import { keyLabel, printable } from "./label.ts";
import type { DocumentInput } from "./schema.ts";
import { type SectionContext, take } from "./section.ts";

const classes = z
  .record(z.string(), z.array(z.string(), { error: "expected an array of lists" }), {
    error: "expected a table",
  })
  .default({});
keyDocs.add(classes, {
  type: "table of class = array of lists",
  preset: undefined,
  example: '{ datacenter = ["app"] }',
  doc: "Classes, each by the addresses of lists; their actions do not matter here. The first class that has a client is its own; who is in none is `unknown`.",
});

const overrides = z
  .record(z.string(), z.string({ error: "expected a class" }), { error: "expected a table" })
  .default({});
keyDocs.add(overrides, {
  type: "table of CIDR block = class",
  preset: undefined,
  example: '{ "192.0.2.0/24" = "datacenter" }',
  doc: "Blocks whose class is another than their lists say. The longest prefix decides.",
});

/** `[sovereign.enforce.tarpit]`. */
export const enforceTarpit = z.strictObject({
  enabled: flag(false, "Refusals are held back, see [tarpit]."),
  hold_secs: optionalInt({ min: 1, max: 300, example: 10, doc: "The same as in [tarpit]." }),
  max_concurrent: optionalInt({
    min: 1,
    max: 100_000,
    example: 128,
    doc: "The same as `max_held` in [tarpit].",
  }),
});

/** `[sovereign.enforce]`. */
export const enforce = z.strictObject({
  enabled: flag(false, "Refuse the classes in `deny`."),
  deny: texts({ type: "array of classes", default: [], doc: "403 for these; `unknown` can be one of them." }),
  mesh_score_deny_above: real({
    min: 0,
    max: 1,
    default: 0,
    doc: "The same as `score_deny_above` in [mesh].",
  }),
  tarpit: enforceTarpit.prefault({}),
});

/** `[sovereign]`. */
export const sovereign = z.strictObject({
  enabled: flag(
    false,
    "Find the class of every client: for the upstream (X-Zion-Origin-Class), metrics and log.",
  ),
  log_classification: flag(true, "Name the class in the access log."),
  classes,
  overrides,
  enforce: enforce.prefault({}),
});

/** The class of whom no other has. */
const UNKNOWN = "unknown";
const CLASSES_MAX = 16;
/** Each length of prefix is looked through in turn. */
const OVERRIDES_MAX = 1000;

/** Checks `[sovereign]`; undefined = it is off. Who uses a list is checked with the lists. */
export function readSovereign(document: DocumentInput, context: SectionContext): SovereignConfig | undefined {
  const input = document.sovereign;
  if (input === undefined) return undefined;
  const { findings } = context;
  const names = Object.keys(input.classes);
  for (const name of names) checkName(["sovereign", "classes", name], "a class", name, context);
  if (names.includes(UNKNOWN))
    findings.add({
      code: "Z1110",
      path: ["sovereign", "classes", UNKNOWN],
      at: "key",
      message: "`unknown` is the class of whom no other has",
      fix: "choose another name",
    });
  for (const [path, size, max] of [
    [["sovereign", "classes"], names.length, CLASSES_MAX],
    [["sovereign", "overrides"], Object.keys(input.overrides).length, OVERRIDES_MAX],
  ] as const)
    if (size > max)
      findings.add({
        code: "Z1106",
        path,
        at: "key",
        message: `${keyLabel(path)} has more than ${max} entries`,
      });
  const { deny, enabled, tarpit } = input.enforce;
  for (const [i, name] of deny.entries())
    checkClass(["sovereign", "enforce", "deny", i], name, document, context);
  checkUserAgents(document, context);
  const overrides = readOverrides(document, context);
  if (!input.enabled) return undefined;
  return {
    classes: names.map((name) => ({ name, lists: input.classes[name]! })),
    overrides,
    deny: enabled ? deny : [],
    action: tarpit.enabled ? "tarpit" : "refuse",
    isLogged: input.log_classification,
  };
}

/** Where classes name lists. */
export function classUses({ sovereign }: DocumentInput) {
  return Object.entries(sovereign?.classes ?? {}).map(([name, names]) => ({
    path: ["sovereign", "classes", name] as Path,
    what: `the class "${printable(name)}"`,
    names,
  }));
}

function checkClass(path: Path, name: string, document: DocumentInput, context: SectionContext): void {
  if (name === UNKNOWN || context.findings.isPoisoned(["sovereign", "classes"])) return;
  const classes = document.sovereign?.classes ?? {};
  if (context.findings.isPoisoned(["sovereign", "classes", name])) return;
  const defined = new Map(
    Object.keys(classes).map((one): [string, Path] => [one, ["sovereign", "classes", one]]),
  );
  checkDefined(
    {
      path,
      what: keyLabel(path),
      kind: "the class",
      name,
      defined,
      definition: `${printable(name)} = ["a list"] to [sovereign.classes]`,
      effect: "who was meant is not known, so the whole file is refused.",
    },
    context,
  );
}

/** A network has no User-Agent. */
function checkUserAgents(document: DocumentInput, { findings }: SectionContext): void {
  for (const { path, names } of classUses(document))
    for (const [i, name] of names.entries()) {
      if ((document.list[name]?.user_agents.length ?? 0) === 0) continue;
      findings.add({
        code: "Z1214",
        path: [...path, i],
        message: `the list ${printable(name)} has \`user_agents\`, which say nothing of a network`,
        fix: "use a list of addresses",
      });
    }
}

/** Those with the longest prefix first. */
function readOverrides(document: DocumentInput, context: SectionContext): SovereignConfig["overrides"] {
  const groups = new Map<string, { readonly bits: number; readonly name: string; readonly blocks: Cidr[] }>();
  for (const [text, name] of Object.entries(document.sovereign?.overrides ?? {})) {
    const path: Path = ["sovereign", "overrides", text];
    checkClass(path, name, document, context);
    const value = take(readCidr(text), "Z1102", path, text, context);
    const block = value === undefined ? undefined : parseCidr(value);
    if (value === undefined || block === undefined) continue;
    const slash = value.indexOf("/");
    const whole = value.includes(":") ? 128 : 32;
    // One order for both families: they never meet.
    const bits = slash < 0 ? whole : Number(value.slice(slash + 1));
    const key = `${bits} ${name}`;
    const group = groups.get(key) ?? { bits, name, blocks: [] };
    groups.set(key, group);
    group.blocks.push(block);
  }
  return [...groups.values()]
    .sort((a, b) => b.bits - a.bits)
    .map(({ name, blocks }) => {
      const table = buildRangeTable(blocks);
      return { name, v4: printWords(table.v4), v6: printWords(table.v6) };
    });
}
