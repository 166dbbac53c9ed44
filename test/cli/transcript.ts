import assert from "node:assert/strict";
import { fork, spawn } from "node:child_process";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { packageVersion } from "../../src/cli/version.ts";
import { shellWords } from "../../src/explain/shell-words.ts";

// A golden file is a transcript: `$ zion …`, what came on standard output, what came on standard error behind `! `, and
// `exit N` unless it is 0. `… <FILE` gives it a standard input, `… | head -N` keeps the first lines, `… &` is told to
// end when it has said where it listens. To add a command line, write it and let ZION_WRITE_GOLDEN=1 write the rest.

const directory = path.join(import.meta.dirname, "golden");
const root = path.resolve(import.meta.dirname, "../..");

export interface CommandLine {
  readonly text: string;
  readonly args: readonly string[];
  /** A file that is its standard input. */
  readonly input: string | undefined;
  /** Lines of each stream that are kept. */
  readonly lines: number;
  /** It serves until it is told to end. */
  readonly serves: boolean;
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Names of the golden files of a group, without directory. */
export function transcriptNames(group: string): readonly string[] {
  return globSync("*.txt", { cwd: path.join(directory, group) }).sort();
}

export function commandLines(group: string, name: string): readonly CommandLine[] {
  return [...readFileSync(path.join(directory, group, name), "utf8").matchAll(/^\$ zion(.*)$/gm)].map(
    ([line, rest]) => {
      const [, words = "", input, lines, serves] = /^(.*?)(?: <(\S+))?(?: \| head -(\d+))?( &)?$/.exec(
        rest!,
      )!;
      return {
        text: line,
        args: shellWords(words),
        input,
        lines: lines === undefined ? Number.POSITIVE_INFINITY : Number(lines),
        serves: serves !== undefined,
      };
    },
  );
}

/** Fails unless the commands print what the file says; what varies is masked in `mask`, which has its own words for it. */
export function assertTranscript(
  group: string,
  name: string,
  results: readonly Ran[],
  mask: (text: string) => string,
): void {
  const file = path.join(directory, group, name);
  const printed = commandLines(group, name)
    .map(({ text, lines }, at) => {
      const { code, out, err } = results[at]!;
      const shown = (stream: string, mark: string): string =>
        mask(stream)
          .replace(/\n$/, "")
          .split("\n")
          .slice(0, lines)
          .map((line) => (stream === "" ? "" : `${mark}${line}`.trimEnd().concat("\n")))
          .join("");
      return `${text}\n${shown(out, "")}${shown(err, "! ")}${code === 0 ? "" : `exit ${code}\n`}`;
    })
    .join("\n");
  if (process.env["ZION_WRITE_GOLDEN"] === "1") writeFileSync(file, printed);
  assert.equal(printed, readFileSync(file, "utf8"), "if that is meant: ZION_WRITE_GOLDEN=1 writes it anew");
}

/** Runs one as people do, but without settings of theirs. */
export function runAlone(cwd: string, { args, input, serves }: CommandLine): Promise<Ran> {
  const child = spawn(process.execPath, [path.join(root, "bin/zion.js"), ...args], {
    cwd,
    env: plainEnvironment(),
    timeout: 60_000,
  });
  child.stdin.end(input === undefined ? "" : readFileSync(path.join(cwd, input)));
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    out += part;
    if (serves && /http:\/\/127\.0\.0\.1:\d/.test(out)) child.kill("SIGTERM");
  });
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    err += part;
  });
  return new Promise((resolve) =>
    child.once("close", (code) => {
      resolve({ code: code ?? -1, out, err });
    }),
  );
}

/** Runs them one after the other in one process. */
export function runTogether(
  cwd: string,
  lines: readonly CommandLine[],
  more: NodeJS.ProcessEnv = {},
): Promise<Ran[]> {
  const env = { ...plainEnvironment(), ...more };
  const child = fork(path.join(import.meta.dirname, "one-process.ts"), {
    cwd,
    env,
    execArgv: [],
    timeout: 120_000,
  });
  child.send(lines.map(({ args }) => args));
  return new Promise((resolve, reject) => {
    child.once("message", (results) => resolve(results as Ran[]));
    // Not "exit", which may come before what was sent is read.
    child.once("disconnect", () => reject(new Error("it ended before it had run them all")));
  });
}

function plainEnvironment(): NodeJS.ProcessEnv {
  const { ZION_CONFIG: _, ZION_ADMIN_TOKEN: __, ...environment } = process.env;
  return environment;
}

/**
 * What is another one each time, as its name. A line in which something was masked loses the blanks between columns:
 * they were made for what stood there.
 */
export function maskVarying(text: string, folder: string): string {
  return (
    text
      .split("\n")
      // Said where the machine is so busy that a worker is silent for a second.
      .filter((line) => !line.includes('"zion.slot.adopted"'))
      .map((line) => {
        const masked = [
          [folder, "DIR"],
          [root, "ROOT"],
          [process.versions.node, "NODE"],
          [process.versions.openssl, "OPENSSL"],
          [`zion ${packageVersion()}`, "zion VERSION"],
          [`"version": "${packageVersion()}"`, '"version": "VERSION"'],
          [`${process.platform}/${process.arch}`, "PLATFORM"],
        ]
          .reduce((left, [from, to]) => left.replaceAll(from!, to!), line)
          .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?/g, "TIME")
          .replace(/\d{4}-\d\d-\d\d/g, "DATE")
          .replace(/\+[0-9a-f]{8}\+[\w+/]{44}/g, "+ID+KEY")
          .replace(/\b\d+ CPUs \(.*?\)/, "N CPUs (NAME)")
          .replace(/\b\d+ days left/g, "N days left")
          .replace(/\b[0-9a-f]{64}\b/g, "HASH")
          .replace(/\b(zion_(?:admin_)?)[\w-]{43}(?![\w-])/g, "$1SECRET")
          .replace(/(p=\d+)\$[\w+/$]+/, "$1$SALT$HASH")
          .replace(/("\w+(?:Us|Ms|_us|_ms)": )[\d.]+/, "$1N")
          // Rules and the attacks they know grow: how many there are is no matter of how it is told.
          .replace(
            /\b\d{3,}(?= (?:rules,|examples,|forms of known|known attacks|(?:that )?are refused|still with))/g,
            "N",
          )
          .replace(/("(?:tried|refusedBefore|refusedAfter)": )\d{3,}/, "$1N")
          .replace(/\b127\.0\.0\.1:\d{5}\b/g, "127.0.0.1:PORT");
        return masked === line ? line : masked.replace(/(?<=\S) {2,}/g, "  ");
      })
      .join("\n")
  );
}
