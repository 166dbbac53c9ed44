import { at, listOf, readTrees, type Tree, tableOf, textOf } from "../import/tree.ts";
import { bytesText, WishProblem } from "./wish.ts";

/** One stage of a test: a request and what should come of it. */
export interface FtwStage {
  readonly id: string;
  readonly asked:
    | { readonly kind: "request"; readonly bytes: Uint8Array; readonly secure: boolean }
    /** It is about more than one request says. */
    | { readonly kind: "lost"; readonly why: string };
  /** Undefined = the test does not say. */
  readonly isAllowed: boolean | undefined;
}

/**
 * The stages of a file of go-ftw tests, as those of the OWASP Core Rule Set are (github.com/coreruleset/ftw-tests-schema):
 * `tests`, of these `stages`, of these `input` and `output`. Requests are printed as go-ftw prints them, also broken ones.
 * Throws WishProblem with the line.
 */
export function readFtwFile(text: string): readonly FtwStage[] {
  const { documents, problems } = readTrees({ file: "tests.yaml", text });
  if (problems[0] !== undefined) throw new WishProblem(`line ${problems[0].line}: ${problems[0].message}`);
  if (!documents.some((document) => at(document, "tests") !== undefined))
    throw new WishProblem("a YAML file is read as go-ftw tests, and this one has none");
  return documents.flatMap((document) => {
    const rule = textOf(at(document, "rule_id"));
    return listOf(at(document, "tests")).flatMap((test) => {
      const own = textOf(at(test, "test_id")) || textOf(at(test, "test_title")) || `line ${test.line}`;
      const id = /^\d+$/.test(own) && rule !== "" ? `${rule}-${own}` : own;
      const stages = listOf(at(test, "stages"));
      return stages.map((stage, index) =>
        // Until 2023 each stage stood in a `stage` of its own.
        readStage(stages.length === 1 ? id : `${id} stage ${index + 1}`, at(stage, "stage") ?? stage),
      );
    });
  });
}

function readStage(id: string, stage: Tree): FtwStage {
  const input = at(stage, "input");
  if (input === undefined) throw new WishProblem(`line ${stage.line}: a stage without an input`);
  const output = at(stage, "output");
  const why = beyondOneRequest(input, output);
  if (why !== "") return { id, asked: { kind: "lost", why }, isAllowed: undefined };
  const secure = textOf(at(input, "protocol")).toLowerCase() === "https";
  return { id, asked: { kind: "request", bytes: printInput(input), secure }, isAllowed: expected(output) };
}

/** "" = one request decides it. */
function beyondOneRequest(input: Tree, output: Tree | undefined): string {
  for (const [key, value] of tableOf(input))
    if (!inputKeys.has(key) && value.value !== "" && value.value !== "false")
      return `a test with ${key} is about more than its request`;
  if (output === undefined) return "";
  if (textOf(at(output, "response_contains")) !== "" || idsOf(output, true).some((id) => answerRule.test(id)))
    return "a test of what an upstream answers";
  return "";
}

/** What go-ftw sends: the head in the order given, and nothing repaired. */
function printInput(input: Tree): Uint8Array {
  const encoded = textOf(at(input, "encoded_request"));
  if (encoded !== "") return Buffer.from(encoded, "base64");
  const fields = fieldsOf(input);
  const fieldText = (wanted: string): string | undefined =>
    fields.find(([name]) => name.toLowerCase() === wanted)?.[1];
  const completes =
    textOf(at(input, "autocomplete_headers")) !== "false" && textOf(at(input, "stop_magic")) !== "true";
  let data = textOf(at(input, "data"));
  if (completes) {
    if (data !== "" && fieldText("content-type") === undefined) fields.push(["Content-Type", FORM]);
    // Forms that are written without escapes get them; others stay as they are.
    if (fieldText("content-type") === FORM && !/[%+;]/.test(data))
      data = new URLSearchParams(data).toString();
    const { length } = Buffer.from(data);
    if (
      length > 0 &&
      fieldText("content-length") === undefined &&
      fieldText("transfer-encoding") === undefined
    )
      fields.push(["Content-Length", String(length)]);
    if (fieldText("connection") === undefined) fields.push(["Connection", "close"]);
  }
  const line = `${textOf(at(input, "method")) || "GET"} ${textOf(at(input, "uri")) || "/"} ${textOf(at(input, "version")) || "HTTP/1.1"}`;
  const head = [line, ...fields.map(([name, value]) => `${name}: ${value}`)].join("\r\n");
  return Buffer.from(bytesText(`${head}\r\n\r\n${data}`), "latin1");
}

function fieldsOf(input: Tree): [name: string, value: string][] {
  const ordered = listOf(at(input, "ordered_headers")).map((one): [string, string] => [
    textOf(at(one, "name")),
    textOf(at(one, "value")),
  ]);
  const named = [...tableOf(at(input, "headers"))].map(([name, value]): [string, string] => [
    name,
    textOf(value),
  ]);
  return [...ordered, ...named];
}

/** A rule that is to fire is to refuse: a gateway has no rule of that number. */
function expected(output: Tree | undefined): boolean | undefined {
  if (output === undefined) return undefined;
  if (textOf(at(output, "expect_error")) === "true" || idsOf(output, true).length > 0) return false;
  if (idsOf(output, false).length > 0) return true;
  const statuses = textsOf(at(output, "status")).map(Number);
  if (statuses.length === 0) return undefined;
  const refused = statuses.filter((status) => status >= 400).length;
  return refused === 0 ? true : refused === statuses.length ? false : undefined;
}

/** Rules that are to be in the log, or not to be; older files say it by words of the log. */
function idsOf(output: Tree, isExpected: boolean): readonly string[] {
  const log = at(output, "log");
  const listed = textsOf(at(log, isExpected ? "expect_ids" : "no_expect_ids"));
  const words = [
    textOf(at(log, isExpected ? "match_regex" : "no_match_regex")),
    textOf(at(output, isExpected ? "log_contains" : "no_log_contains")),
  ];
  return [
    ...listed,
    ...words.flatMap((text) => [...text.matchAll(/\bid[^\w]{1,4}(\d{3,7})/g)].map(([, id]) => id!)),
  ];
}

/** Of one scalar, or of a list of them. */
function textsOf(tree: Tree | undefined): readonly string[] {
  if (tree === undefined || tree.value === "") return [];
  return (Array.isArray(tree.value) ? listOf(tree) : [tree]).map(textOf);
}

const FORM = "application/x-www-form-urlencoded";

/** Rules of the Core Rule Set that look at answers: 950 to 959, and 980. */
const answerRule = /^9(?:5\d|80)\d{3}$/;

/** What of an input is read, or makes no difference to one request. */
const inputKeys: ReadonlySet<string> = new Set([
  "dest_addr",
  "port",
  "protocol",
  "method",
  "uri",
  "version",
  "headers",
  "ordered_headers",
  "data",
  "encoded_request",
  "autocomplete_headers",
  "stop_magic",
  "virtual_host_mode",
]);
