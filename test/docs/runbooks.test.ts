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

/** Whole commands of the pages about operating that ask the admin listener. */
const written = ["docs/operating/lists.md", "docs/operating/auth.md", "docs/guide/every-day.md"].flatMap(
  (file) =>
    [
      ...read(file)
        .replace(/ \\\n\s*/g, " ")
        .matchAll(/(?:^|`)(curl [^`\n]*:9180[^`\n]*)/gm),
    ].map(([, command]) => ({
      file,
      command: command!.replace("--unix-socket /run/zion/admin.sock ", ""),
    })),
);

test("what pages ask a gateway is answered, over its ports and over a socket", {
  skip: missing,
}, async (t) => {
  const upstream = await startUpstream(t);
  const token = "t".repeat(32);
  const toml = config(upstream.port, ['state_dir = "DIRECTORY/state"', "workers = 1"]).replace(
    "[admin]",
    '[admin]\nwrite_token_env = "ZION_ADMIN_TOKEN"',
  );
  const environment = { ZION_ADMIN_TOKEN: token };
  const onPorts = await startGateway(t, { toml, environment });
  const onSocket = await startGateway(t, {
    toml: toml.replace(/(write_token_env.*\nlisten = )"[^"]*"/, '$1"unix:DIRECTORY/admin.sock"'),
    environment,
  });
  const insert = `--unix-socket ${path.join(onSocket.directory, "admin.sock")}`;
  const ask = async ({ file, command }: (typeof admin)[number], more = ""): Promise<void> => {
    const words = command
      .replace(/ \| .*$/, "")
      .replace(/^curl /, `curl -s -o /dev/null -w '%{http_code}' ${more} `)
      .replace("localhost:9464", `127.0.0.1:${onPorts.telemetryPort}`)
      .replace(/(?:localhost|127\.0\.0\.1):9180/, (host) =>
        more === "" ? `127.0.0.1:${onPorts.adminPort}` : host,
      );
    const { stdout } = await promisify(execFile)("sh", ["-c", words], {
      env: { ...process.env, TOKEN: token },
    });
    assert.match(stdout, /^2\d\d$/, `${file}: ${words}`);
  };
  assert.ok(admin.length >= 12 && telemetry.length >= 12 && written.length >= 6, `${written.length} written`);
  for (const one of telemetry) await ask(one);
  for (const one of [...admin, ...written]) {
    await ask(one);
    await ask(one, insert);
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
