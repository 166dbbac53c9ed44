import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { startUpstream } from "../control/gateway.ts";
import { freePort } from "../support/free-port.ts";
import { read, root } from "./document.ts";

/** What was seen is told and saved files are read within a second or so: a command is asked again until it says so. */
const triesMax = 12;
const betweenMs = 500;

export interface Guide {
  /** Relative to the root; its commands stand behind `    $ `, what they print below them. */
  readonly document: string;
  /** Tables of `zion.toml` before the page's first block of TOML; undefined: the page makes its own file. */
  readonly tables?: string;
}

interface Step {
  readonly command: string;
  readonly printed: readonly string[];
}

/**
 * Does what a guide says, in a shell and an empty directory, and fails where something else is printed or a command does not
 * end with 0. Ports are free ones, port 3000 is an upstream. Numbers, dates and ids may differ; "…" stands for anything, and
 * a command below which nothing stands may print what it likes. Returns the number of commands.
 */
export async function followGuide(t: TestContext, { document, tables }: Guide): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), "zion-guide-"));
  const stops: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const stop of stops) await stop();
    // Workers and the audit writer end soon after their primary.
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
  });
  const upstream = await startUpstream(t);
  const ports = new Map([["3000", String(upstream.port)]]);
  const text = read(document);
  for (const [, port] of `${tables ?? ""}${text}127.0.0.1:9464 127.0.0.1:9180`.matchAll(
    /127\.0\.0\.1:(\d+)/g,
  ))
    if (!ports.has(port!)) ports.set(port!, String(await freePort()));
  const withPorts = (words: string): string =>
    words.replace(/(?<=127\.0\.0\.1:)\d+/g, (port) => ports.get(port) ?? port);

  const file = path.join(folder, "zion.toml");
  const [, block = ""] = /^```toml\n([\s\S]*?)^```$/m.exec(text) ?? [];
  if (block !== "") writeFileSync(file, withOwnPorts(`${tables ?? ""}\n${block}`));
  makeCommand(folder);
  /** Ids of the page → those of this run. */
  const ids = new Map<string, string>();
  let count = 0;
  for (const { command, printed } of stepsOf(text)) {
    count++;
    const words = withPorts(command).replace(/[0-9a-f]{32}/g, (id) => ids.get(id) ?? id);
    if (words.startsWith("zion run")) {
      await startRun(folder, words, stops);
      continue;
    }
    const expected = printed.map(withPorts).join("\n");
    for (let tries = 1; ; tries++) {
      const { code, output } = await runShell(folder, words);
      const found = code === 0 ? patternOf(expected).exec(output) : null;
      if (found !== null) {
        for (const [at, id] of (expected.match(/[0-9a-f]{32}/g) ?? []).entries()) ids.set(id, found[at + 1]!);
        break;
      }
      assert.ok(
        tries < triesMax,
        `${document}: $ ${words}\nexit ${code}\n${output}\nthe page has:\n${expected}`,
      );
      await pause(betweenMs);
    }
    if (words.startsWith("zion init")) writeFileSync(file, withOwnPorts(readFileSync(file, "utf8")));
  }
  return count;

  /** With listeners that no other gateway of this machine has, also where the file leaves them out. */
  function withOwnPorts(toml: string): string {
    const missing = [
      ["telemetry", "127.0.0.1:9464"],
      ["admin", "127.0.0.1:9180"],
    ].filter(([table]) => !toml.includes(`[${table}]`));
    return withPorts(
      `${toml}${missing.map(([table, listen]) => `\n[${table}]\nlisten = "${listen}"\n`).join("")}`,
    );
  }
}

function stepsOf(text: string): Step[] {
  const steps: { command: string; printed: string[] }[] = [];
  let open = false;
  for (const line of text.split("\n")) {
    if (line.startsWith("    $ ")) {
      steps.push({ command: line.slice(6), printed: [] });
      open = true;
    } else if (open && line.startsWith("    ")) steps.at(-1)!.printed.push(line.slice(4));
    else open = false;
  }
  return steps;
}

/** Ids are captured in their order. */
function patternOf(expected: string): RegExp {
  if (expected === "") return /^/;
  const source = expected.replace(
    /[0-9a-f]{32}|\d{4}-\d\d-\d\d|\b[2-5]\d\d\b|\d+|^…\n|\n *…(?=\n|$)|…| {2,}|[\\^$.*+?()[\]{}|/]/g,
    (part) => {
      if (/^[0-9a-f]{32}$/.test(part)) return "([0-9a-f]{32})";
      if (/^[2-5]\d\d$/.test(part)) return part;
      if (/^\d/.test(part)) return "[\\d-]+";
      if (part === "…") return ".*";
      if (part === "…\n") return "[\\s\\S]*\\n";
      if (part.startsWith("\n")) return "\\n[\\s\\S]*";
      if (part.startsWith(" ")) return " +";
      return `\\${part}`;
    },
  );
  return new RegExp(`^${source}\\n?$`);
}

function makeCommand(folder: string): void {
  const bin = path.join(folder, ".bin");
  mkdirSync(bin);
  writeFileSync(
    path.join(bin, "zion"),
    `#!/bin/sh\nexec '${process.execPath}' '${path.join(root, "src/main.ts")}' "$@"\n`,
  );
  chmodSync(path.join(bin, "zion"), 0o755);
}

function shell(folder: string, words: string) {
  const { ZION_CONFIG: _, ZION_ADMIN_TOKEN: __, ...env } = process.env;
  assert.ok(existsSync(path.join(folder, ".bin")));
  return spawn("sh", ["-c", `${words}`], {
    cwd: folder,
    env: { ...env, PATH: `${path.join(folder, ".bin")}:${env["PATH"]}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function runShell(folder: string, words: string): Promise<{ code: number | null; output: string }> {
  const child = shell(folder, `{ ${words}\n} 2>&1`);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    output += part;
  });
  child.stderr.resume();
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}

/** Starts `zion run`, and resolves when it serves. What ends it is added to `stops`. */
async function startRun(folder: string, words: string, stops: (() => Promise<void>)[]): Promise<void> {
  const child = shell(folder, `exec ${words}`);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  stops.push(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  child.stdout.resume();
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      said += part;
      if (said.includes('"zion.started"')) resolve();
    });
    child.once("close", () => reject(new Error(`it ended: ${said}`)));
  });
}
