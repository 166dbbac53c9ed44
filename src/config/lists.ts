import { type Cidr, parseCidr } from "../identity/address.ts";
import { isListProblem, LIST_BYTES_MAX, readAddressList } from "../identity/address-list.ts";
import { buildRangeTable, printWords } from "../identity/range-table.ts";
import { readCidr } from "./address.ts";
import type { ListConfig } from "./config.ts";
import { checkDefined } from "./definition.ts";
import type { Path } from "./finding.ts";
import { keyLabel, printable } from "./label.ts";
import type { ListInput } from "./list-schema.ts";
import type { DocumentInput } from "./schema.ts";
import { readNamedFile, type SectionContext, take } from "./section.ts";

/** Each is looked for in turn. */
const USER_AGENTS_MAX = 64;

/** Checks `[list.NAME]`, reads the files, and checks who uses a list. */
export function readLists(document: DocumentInput, context: SectionContext): readonly ListConfig[] {
  const lists = Object.entries(document.list).map(([name, input]) => readList(name, input, context));
  const used = new Set<string>();
  const use = (path: Path, what: string, names: readonly string[]): void => {
    for (const [i, name] of names.entries()) checkUse([...path, i], what, name, document, context);
    for (const name of names) used.add(name);
  };
  use(["server", "lists"], "[server]", document.server?.lists ?? []);
  for (const [i, route] of document.route.entries())
    use(["route", i, "lists"], `route "${printable(route.name ?? route.path ?? "")}"`, route.lists);
  // What is broken may have been meant to use it.
  if (context.findings.isPoisoned(["server"]) || context.findings.isPoisoned(["route"])) return lists;
  for (const { name } of lists) {
    if (used.has(name)) continue;
    context.findings.add({
      code: "Z2108",
      path: ["list", name],
      at: "key",
      message: `nothing uses the list ${printable(name)}`,
      effect: "it keeps nobody out.",
      fix: "name it in the `lists` of [server] or of a route, or remove it",
    });
  }
  return lists;
}

function checkUse(
  path: Path,
  what: string,
  name: string,
  document: DocumentInput,
  context: SectionContext,
): void {
  if (context.findings.isPoisoned(["list"]) || context.findings.isPoisoned(["list", name])) return;
  const defined = new Map(Object.keys(document.list).map((at): [string, Path] => [at, ["list", at]]));
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

function readList(name: string, input: ListInput, context: SectionContext): ListConfig {
  const { findings } = context;
  const path: Path = ["list", name];
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name))
    findings.add({
      code: "Z1110",
      path,
      at: "key",
      message: `"${printable(name)}" cannot be the name of a list`,
    });
  const blocks: Cidr[] = [];
  for (const [i, text] of input.cidrs.entries()) {
    const value = take(readCidr(text), "Z1102", [...path, "cidrs", i], text, context);
    const block = value === undefined ? undefined : parseCidr(value);
    if (block !== undefined) blocks.push(block);
  }
  const isEmpty = input.cidrs.length === 0 && input.file === undefined && input.user_agents.length === 0;
  const keys = ["cidrs", "file", "user_agents", "action"];
  if (isEmpty && !keys.some((key) => findings.isPoisoned([...path, key])))
    findings.add({
      code: "Z1106",
      path,
      at: "key",
      message: `[list.${printable(name)}] has neither \`cidrs\` nor \`file\` nor \`user_agents\``,
      fix: "add one of them, or remove the list",
    });
  checkUserAgents([...path, "user_agents"], input.user_agents, context);
  const fromFile = input.file === undefined ? [] : readBlocks([...path, "file"], input.file, context);
  const table = buildRangeTable(fromFile.length === 0 ? blocks : [...blocks, ...fromFile]);
  return {
    name,
    action: input.action,
    v4: printWords(table.v4),
    v6: printWords(table.v6),
    userAgents: input.user_agents.map((part) => part.toLowerCase()),
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
