import { type Cidr, parseCidr } from "../identity/address.ts";
import { isListProblem, LIST_BYTES_MAX, readAddressList } from "../identity/address-list.ts";
import { buildRangeTable, printWords } from "../identity/range-table.ts";
import { readCidr } from "./address.ts";
import type { ListConfig } from "./config.ts";
import { checkDefined, checkName, definitionsOf, reportUnused } from "./definition.ts";
import type { Path } from "./finding.ts";
import { type NetworksOf, readGeo } from "./geo.ts";
import { keyLabel, printable } from "./label.ts";
import type { ListInput } from "./list-schema.ts";
import type { DocumentInput } from "./schema.ts";
import { readNamedFile, type SectionContext, take } from "./section.ts";
import { classUses } from "./sovereign.ts";

/** Each is looked for in turn. */
const USER_AGENTS_MAX = 64;

/** Checks `[list.NAME]`, reads the files, and checks who uses a list. */
export function readLists(document: DocumentInput, context: SectionContext): readonly ListConfig[] {
  const networksOf = readGeo(document, context);
  const lists = Object.entries(document.list).map(([name, input]) =>
    readList(name, input, networksOf, context),
  );
  const defined = definitionsOf("list", document.list);
  const uses = usesOf(document);
  for (const { path, what, names } of uses)
    for (const [i, name] of names.entries()) checkUse([...path, i], what, name, defined, context);
  reportUnused(
    {
      kind: "list",
      nobody: "nothing",
      defined,
      uses,
      code: "Z2108",
      effect: "it keeps nobody out.",
      fix: "name it in the `lists` of [server] or of a route, or in [sovereign], or remove it",
    },
    context,
  );
  return lists;
}

/** Every key that names lists. `what` is its owner, for messages. */
function usesOf(document: DocumentInput) {
  const { server, route } = document;
  return [
    ...classUses(document),
    { path: ["server", "lists"], what: "[server]", names: server?.lists ?? [] },
    ...route.map(({ name, path, lists }, i) => ({
      path: ["route", i, "lists"],
      what: `route "${printable(name ?? path ?? "")}"`,
      names: lists,
    })),
  ];
}

function checkUse(
  path: Path,
  what: string,
  name: string,
  defined: ReadonlyMap<string, Path>,
  context: SectionContext,
): void {
  if (context.findings.isPoisoned(["list"]) || context.findings.isPoisoned(["list", name])) return;
  checkDefined(
    {
      path,
      what,
      kind: "list",
      name,
      defined,
      definition: `[list.${printable(name)}]`,
      effect: "who was meant to be kept out is not known, so the whole file is refused.",
    },
    context,
  );
}

function readList(
  name: string,
  input: ListInput,
  networksOf: NetworksOf,
  context: SectionContext,
): ListConfig {
  const { findings } = context;
  const path: Path = ["list", name];
  checkName(path, "a list", name, context);
  const blocks: Cidr[] = [];
  for (const [i, text] of input.cidrs.entries()) {
    const value = take(readCidr(text), "Z1102", [...path, "cidrs", i], text, context);
    const block = value === undefined ? undefined : parseCidr(value);
    if (block !== undefined) blocks.push(block);
  }
  const { cidrs, file, countries, asns, user_agents: agents } = input;
  const isEmpty = file === undefined && [cidrs, countries, asns, agents].every(({ length }) => length === 0);
  const keys = ["cidrs", "file", "countries", "asns", "user_agents", "action"];
  if (isEmpty && !keys.some((key) => findings.isPoisoned([...path, key])))
    findings.add({
      code: "Z1106",
      path,
      at: "key",
      message: `[list.${printable(name)}] has nobody on it`,
      fix: "add `cidrs`, `file`, `countries`, `asns` or `user_agents`, or remove the list",
    });
  checkUserAgents([...path, "user_agents"], agents, context);
  const fromFile = file === undefined ? [] : readBlocks([...path, "file"], file, context);
  const table = buildRangeTable(blocks.concat(fromFile, networksOf(name)));
  return {
    name,
    action: input.action,
    v4: printWords(table.v4),
    v6: printWords(table.v6),
    userAgents: agents.map((part) => part.toLowerCase()),
  };
}

function readBlocks(path: Path, file: string, context: SectionContext): readonly Cidr[] {
  const text = readNamedFile(path, file, context, "latin1", LIST_BYTES_MAX);
  if (text === undefined) return [];
  const reading = readAddressList(text);
  if (!isListProblem(reading)) return reading;
  context.findings.add({
    code: "Z1308",
    path,
    message: `${keyLabel(path)}: line ${reading.line} of ${printable(file)}: ${reading.problem}`,
    label: `line ${reading.line}: ${reading.problem}`,
  });
  return [];
}

function checkUserAgents(path: Path, parts: readonly string[], { findings }: SectionContext): void {
  for (const [i, part] of parts.entries()) {
    const isLong = part.length > 256;
    // An empty part, or a single letter, is in every User-Agent.
    if (i < USER_AGENTS_MAX && part.length >= 3 && !isLong) continue;
    findings.add({
      code: "Z1106",
      path: [...path, i],
      message:
        i >= USER_AGENTS_MAX
          ? `${keyLabel(path)} has more than ${USER_AGENTS_MAX} parts`
          : `${keyLabel(path)}: a part has 3 to 256 characters`,
      fix: "write a part that only these clients have",
    });
    if (i >= USER_AGENTS_MAX) return;
  }
}
