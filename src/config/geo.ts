import { z } from "zod";
import type { Cidr } from "../identity/address.ts";
import { type Mmdb, openMmdb } from "../identity/mmdb.ts";
import type { MmdbValue } from "../identity/mmdb-data.ts";
import type { Path } from "./finding.ts";
import { optionalText } from "./keys.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import type { ListInput } from "./list-schema.ts";
import type { DocumentInput } from "./schema.ts";
import { readNamedBytes, type SectionContext } from "./section.ts";

/** `[geo]`. */
export const geo = z.strictObject({
  country_db: optionalText({
    type: "path",
    example: "/var/lib/zion/country.mmdb",
    doc: "MaxMind DB file with the country of networks, for `countries` of lists. At most 128 MiB.",
  }),
  asn_db: optionalText({
    type: "path",
    example: "/var/lib/zion/asn.mmdb",
    doc: "MaxMind DB file with the autonomous system of networks, for `asns` of lists. At most 128 MiB.",
  }),
});

/** Bytes of a database: cities of the whole world take half of it. */
const DATABASE_BYTES_MAX = 134_217_728;

/** Networks of the countries and autonomous systems of one list. */
export type NetworksOf = (name: string) => readonly Cidr[];

/**
 * Looks up what lists say of countries and autonomous systems, once for all of them. Lists become addresses here: no
 * worker has a database, and a request costs the same look-up whatever its list was made of.
 */
export function readGeo(document: DocumentInput, context: SectionContext): NetworksOf {
  const lists = Object.entries(document.list);
  const byKey = sources.map((source) => {
    const uses = lists.flatMap(([name, input]) => source.labelsOf(name, input, context));
    return { uses, found: collect(source, uses, document, context) };
  });
  return (name) =>
    byKey.flatMap(({ uses, found }) =>
      uses.filter(({ list }) => list === name).flatMap(({ label }) => found.get(label) ?? []),
    );
}

interface LabelUse {
  readonly list: string;
  readonly path: Path;
  readonly label: string;
}

interface Source {
  readonly key: "country_db" | "asn_db";
  readonly labelOf: (record: MmdbValue) => string | undefined;
  readonly labelsOf: (list: string, input: ListInput, context: SectionContext) => readonly LabelUse[];
}

const sources: readonly Source[] = [
  { key: "country_db", labelOf: countryOf, labelsOf: readCountries },
  {
    key: "asn_db",
    labelOf: asnOf,
    labelsOf: (list, input) =>
      input.asns.map((asn, i) => ({ list, path: ["list", list, "asns", i], label: String(asn) })),
  },
];

function collect(
  { key, labelOf }: Source,
  uses: readonly LabelUse[],
  document: DocumentInput,
  context: SectionContext,
): ReadonlyMap<string, readonly Cidr[]> {
  const { findings } = context;
  const path: Path = ["geo", key];
  const none = new Map<string, readonly Cidr[]>();
  const file = document.geo?.[key];
  const first = uses[0];
  if (file === undefined) {
    if (first !== undefined && !findings.isPoisoned(["geo"]) && !findings.isPoisoned(path))
      findings.add({
        code: "Z1214",
        path: first.path,
        message: `${keyLabel(first.path)} needs \`${key}\` in [geo]`,
        fix: `add ${key} = "/path/to/file.mmdb" to [geo]`,
      });
    return none;
  }
  const bytes = readNamedBytes(path, file, context, DATABASE_BYTES_MAX);
  if (bytes === undefined) return none;
  const found = networks(openMmdb(bytes), labelOf, new Set(uses.map(({ label }) => label)));
  if (typeof found === "string") {
    findings.add({
      code: "Z1309",
      path,
      message: `${keyLabel(path)}: ${printable(file)}: ${found}`,
      label: found,
    });
    return none;
  }
  for (const use of uses)
    if (found.get(use.label)!.length === 0)
      findings.add({
        code: "Z2108",
        path: use.path,
        message: `${keyLabel(use.path)}: ${key} has no network of ${printable(use.label)}`,
        effect: "nobody is on the list for it.",
        fix: "check the code, or the kind of the database",
      });
  return found;
}

function networks(
  database: Mmdb | string,
  labelOf: Source["labelOf"],
  wanted: ReadonlySet<string>,
): ReadonlyMap<string, readonly Cidr[]> | string {
  return typeof database === "string" ? database : database.collect(labelOf, wanted);
}

function readCountries(list: string, input: ListInput, { findings }: SectionContext): readonly LabelUse[] {
  return input.countries.flatMap((text, i) => {
    const path: Path = ["list", list, "countries", i];
    if (/^[A-Za-z]{2}$/.test(text)) return [{ list, path, label: text.toUpperCase() }];
    findings.add({
      code: "Z1106",
      path,
      message: `${keyLabel(path)}: ${shownValue(path, text)} is not a country`,
      fix: 'write the two letters of ISO 3166-1: "DE"',
    });
    return [];
  });
}

/** As the files of MaxMind and DB-IP have it, and as plainer ones do. */
function countryOf(record: MmdbValue): string | undefined {
  const country = entry(record, "country");
  const code = entry(country, "iso_code") ?? country ?? entry(record, "country_code");
  return typeof code === "string" ? code : undefined;
}

/** A number, or "AS" and a number. */
function asnOf(record: MmdbValue): string | undefined {
  const asn = entry(record, "autonomous_system_number") ?? entry(record, "asn");
  return typeof asn === "number" || typeof asn === "string" ? String(asn).replace(/^AS/, "") : undefined;
}

function entry(value: MmdbValue | undefined, key: string): MmdbValue | undefined {
  return value instanceof Map ? value.get(key) : undefined;
}
