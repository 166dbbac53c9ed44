import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { cpSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import type { Command } from "commander";
import { fileDisk } from "../../src/audit/file-disk.ts";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { eventAt, openLog, sourceAt, testClock } from "../audit/test-log.ts";
import { newDirectory } from "../support/directory.ts";
import {
  assertTranscript,
  type CommandLine,
  commandLines,
  maskVarying,
  runAlone,
  runTogether,
  transcriptNames,
} from "./transcript.ts";

const folder = realpathSync(newDirectory("golden"));
cpSync(path.join(import.meta.dirname, "golden/files"), folder, { recursive: true });
writeAuditLog(path.join(folder, "log"));
writeKeys();

const lines = transcriptNames("alone").map((name) => ({ name, lines: commandLines("alone", name) }));
const isAlone = ({ input, serves, args }: CommandLine): boolean =>
  input !== undefined || serves || args[0] === "bench";

/** All of them at once: each takes the start of a process, most of them nothing else. */
const together = runTogether(
  folder,
  lines.flatMap((one) => one.lines.filter((line) => !isAlone(line))),
);
/** `bench` waits for most of its time: it begins now. */
const benches = new Map(
  lines
    .flatMap((one) => one.lines)
    .filter(({ args }) => args[0] === "bench")
    .map((line) => [line, runAlone(folder, line)] as const),
);

for (const { name, lines: own } of lines)
  test(`${path.basename(name, ".txt")}: what is printed is what was printed before`, async () => {
    const before = lines.slice(
      0,
      lines.findIndex((one) => one.name === name),
    );
    let at = before.flatMap((one) => one.lines.filter((line) => !isAlone(line))).length;
    const results = await Promise.all(
      own.map(async (line) =>
        isAlone(line) ? (benches.get(line) ?? runAlone(folder, line)) : (await together)[at++]!,
      ),
    );
    assertTranscript("alone", name, results, (text) =>
      // Of `bench`, latencies and CPU.
      maskVarying(text, folder).replace(/^((?:GET|POST)\b.*?) {2,}(\d+ +\d+)(?: +[\d.]+){5}$/gm, "$1  $2  N"),
    );
  });

test("no command is without a transcript, for people and, where it can, for programs", () => {
  const shown = ["alone", "running"].flatMap((group) =>
    transcriptNames(group).flatMap((name) => commandLines(group, name).map(({ args }) => args)),
  );
  const missing: string[] = [];
  const visit = (command: Command, names: readonly string[]): void => {
    for (const inner of command.commands) visit(inner, [...names, inner.name()]);
    if (names.length === 0 || command.commands.length > 0) return;
    const calls = shown.filter((args) => names.every((name, at) => args[at] === name));
    const json = (args: readonly string[]): boolean =>
      args.includes("json") || args.includes("--json") || args.includes("--format=json");
    const speaksJson = command.options.some(({ long }) => long === "--json" || long === "--format");
    if (!calls.some((args) => !json(args))) missing.push(names.join(" "));
    if (speaksJson && !calls.some(json)) missing.push(`${names.join(" ")} as JSON`);
  };
  visit(
    buildProgram(() => {}),
    [],
  );
  assert.deepEqual(missing, [], "write their lines to a file in test/cli/golden");
});

/** A log that is the same each time: its clock, its keys and its random numbers are. */
function writeAuditLog(directory: string): void {
  mkdirSync(directory);
  let drawn = 0;
  const { journal, anchors } = openLog(fileDisk(directory), {
    clock: testClock(),
    random: (bytes) => Buffer.alloc(bytes, ++drawn),
  });
  for (let n = 1; n <= 4; n++) {
    journal.event(eventAt(n), sourceAt(n));
    journal.commit();
  }
  journal.close();
  writeFileSync(path.join(folder, "audit.key"), Buffer.alloc(32, 1), { mode: 0o600 });
  writeFileSync(path.join(folder, "anchor.notes"), anchors.at(-1)!);
}

function writeKeys(): void {
  const pair = makeSelfSigned({ names: ["shop.example"], days: 30 });
  writeFileSync(path.join(folder, "cert.pem"), pair.certPem);
  writeFileSync(path.join(folder, "key.pem"), pair.keyPem, { mode: 0o600 });
  // An Ed25519 key of known bytes (RFC 8410 §7), so that what it signs stays the same.
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 7)]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  writeFileSync(path.join(folder, "sign.pem"), key.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
}
