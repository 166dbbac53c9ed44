import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { buildProgram } from "../../src/cli/program.ts";
import { ownFamilies } from "../../src/control/exposition.ts";
import { allReasons } from "../../src/reason.ts";
import { families } from "../../src/record/metrics.ts";
import { decisionNames } from "../../src/record/route-counts.ts";
import { config, startGateway, startUpstream } from "../control/gateway.ts";
import { documents, read } from "./document.ts";

const pages = documents().filter((file) => file.startsWith("docs/runbooks/"));
/** Every line of the pages that is to be typed. */
const commands = pages.flatMap((file) =>
  [...read(file).matchAll(/`([^`]+)`/g)].map(([, command]) => ({ file, command: command! })),
);
const admin = commands.filter(({ command }) => command.includes("localhost:9180"));
const telemetry = commands.filter(({ command }) => command.includes("localhost:9464"));
const missing =
  spawnSync("curl", ["--version"]).status === 0 || process.env["CI"] ? false : "curl is missing";

test("what runbooks ask a gateway is answered, over its ports and over a socket", {
  skip: missing,
}, async (t) => {
  const upstream = await startUpstream(t);
  const own = ['state_dir = "DIRECTORY/state"', "workers = 1"];
  const onPorts = await startGateway(t, { toml: config(upstream.port, own) });
  const onSocket = await startGateway(t, {
    toml: `${config(upstream.port, own)}`.replace(
      /(\[admin\]\nlisten = )"[^"]*"/,
      '$1"unix:DIRECTORY/admin.sock"',
    ),
  });
  const socket = path.join(onSocket.directory, "admin.sock");
  assert.ok(admin.length >= 12 && telemetry.length >= 12);
  const ask = async ({ file, command }: (typeof admin)[number], insert = ""): Promise<void> => {
    const [curl = ""] = command.split(" | ");
    const words = curl
      .replace(/^curl -s /, `curl -s -o /dev/null -w '%{http_code}' ${insert}`)
      .replace("localhost:9464", `127.0.0.1:${onPorts.telemetryPort}`)
      .replace("localhost:9180", insert === "" ? `127.0.0.1:${onPorts.adminPort}` : "localhost:9180");
    const { stdout } = await promisify(execFile)("sh", ["-c", words]);
    assert.equal(stdout, "200", `${file}: ${words}`);
  };
  for (const one of telemetry) await ask(one);
  for (const one of admin) {
    await ask(one);
    await ask(one, `--unix-socket ${socket} `);
  }
});

test("a runbook that asks the admin listener says how a socket is asked", () => {
  for (const file of new Set(admin.map((one) => one.file)))
    assert.match(read(file), /`--unix-socket \/run\/zion\/admin\.sock` behind `curl`, as root/, file);
});

test("runbooks look for decisions and metrics that there are", () => {
  const gates = new Set<string>(allReasons.map(({ stage }) => stage));
  const codes = new Set(allReasons.map(({ code }) => code));
  const names = [...Object.values(families), ...ownFamilies].map(({ name }) => name);
  for (const { file, command } of admin) {
    const query = new URLSearchParams(/\?([^']+)/.exec(command)?.[1] ?? "");
    const { decision = "deny", gate = "upstream", reason = "defect" } = Object.fromEntries(query);
    assert.ok(
      decisionNames.includes(decision) && gates.has(gate) && codes.has(reason),
      `${file}: ${command}`,
    );
  }
  for (const { file, command } of telemetry) {
    const wanted = /grep (zion_\w+)/.exec(command)?.[1];
    if (wanted !== undefined)
      assert.ok(
        names.some((name) => name.startsWith(wanted)),
        `${file}: ${wanted}`,
      );
  }
});

test("commands of zion in runbooks exist, with their options", () => {
  let found = 0;
  for (const { file, command } of commands) {
    if (!command.startsWith("zion ")) continue;
    found++;
    let at = buildProgram(() => {});
    for (const word of command.split(" ").slice(1)) {
      at = at.commands.find((one) => one.name() === word) ?? at;
      const known = at.options.flatMap(({ long, short }) => [long, short]);
      assert.ok(!word.startsWith("-") || known.includes(word), `${file}: ${command}: ${word}`);
    }
    assert.notEqual(at.name(), "zion", `${file}: ${command}`);
  }
  assert.ok(found >= 8, `only ${found} commands`);
});
