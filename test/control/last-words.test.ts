import assert from "node:assert/strict";
import { fork, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { childStdio } from "../../src/control/last-gasp.ts";
import { newDirectory } from "../support/directory.ts";
import { childrenOf, config, kill, startGateway, startUpstream, until } from "./gateway.ts";

const onLinux = { skip: process.platform === "linux" ? false : "reads /proc" };

/** Messages that no primary sends: a bug, as the process sees it. */
const bugs: readonly (readonly [
  role: string,
  entry: string,
  args: readonly string[],
  message: object | null,
])[] = [
  [
    "worker 1",
    "worker-process",
    ["--slot=1", "--via=x", "--descriptors=0"],
    { type: "commit", generation: 9 },
  ],
  ["audit writer", "audit-process", [], null],
  ["key fetcher", "jwks-process", [], null],
  ["span process", "span-process", [], null],
  ["ACME client", "acme-process", [], null],
  ["explainer", "../explain/explainer-process", [], null],
];
for (const [role, entry, args, message] of bugs) {
  test(`a bug in the ${role.replace(" 1", "")} ends it with code 70 and one record where the primary said`, async (t) => {
    const path = join(scratch(), "last_panic.jsonl");
    const file = openSync(path, "a");
    const source = fileURLToPath(new URL(`../../src/control/${entry}.ts`, import.meta.url));
    const child = fork(source, args, {
      execArgv: ["--unhandled-rejections=strict"],
      stdio: childStdio("ignore", file),
      serialization: "advanced",
    });
    t.after(() => kill(child.pid!, "SIGKILL"));
    closeSync(file);
    child.send(message as object);
    assert.equal(await new Promise((resolve) => child.on("exit", resolve)), 70);
    const records = recordsIn(path);
    assert.deepEqual(
      records.map((record) => [record["event.name"], record["process"], record["pid"]]),
      [["zion.panic", role, child.pid]],
    );
  });
}

test(
  "the primary's own bug, and the one of its reader of configurations, are on record",
  onLinux,
  async (t) => {
    const directory = scratch();
    const path = join(directory, "words.jsonl");
    const good = join(directory, "zion.toml");
    writeFileSync(good, config(9, [`state_dir = ${JSON.stringify(join(directory, "state"))}`]));
    const source = (name: string) => JSON.stringify(new URL(`../../src/${name}.ts`, import.meta.url).href);
    // The second reading throws; HUP asks for it, and USR2 stands for a bug.
    const program = `
    const { createLoader } = await import(${source("cli/loader")});
    const { createLog } = await import(${source("control/log")});
    const { runPrimary } = await import(${source("control/primary")});
    const readers = [createLoader({ config: ${JSON.stringify(good)} }), createLoader(undefined)];
    process.on("SIGUSR2", () => undefined.bug);
    await runPrimary({
      load: () => (readers.length > 1 ? readers.shift() : readers[0]).load(),
      log: createLog(),
      version: "0",
      environment: process.env,
      explain() {},
      onServing: () => process.stdout.write("serving"),
    });`;
    const script = join(directory, "program.mjs");
    writeFileSync(script, program);
    const child = spawn(process.execPath, ["--unhandled-rejections=strict", script], {
      env: { ...process.env, ZION_LAST_GASP_PATH: path },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const exited = new Promise((resolve) => child.on("exit", resolve));
    t.after(() => kill(child.pid!, "SIGKILL"));
    await new Promise((resolve) => child.stdout!.once("data", resolve));
    kill(child.pid!, "SIGHUP");
    const said = (event: string) => recordsIn(path).filter((record) => record["event.name"] === event);
    await until("the thread's end is on record", () => said("zion.panic").length > 0);
    kill(child.pid!, "SIGUSR2");
    assert.equal(await exited, 70);
    const words = new Set(said("zion.panic").map((record) => `${record["process"]}: ${record["error"]}`));
    assert.deepEqual([...words], ["config thread: TypeError", "primary: TypeError"]);
  },
);

test(
  "a primary records, counts and replaces whoever dies; the next one tells how it ended",
  onLinux,
  async (t) => {
    const directory = scratch();
    const path = join(directory, "words.jsonl");
    writeFileSync(join(directory, "key"), Buffer.alloc(32, 7), { mode: 0o600 });
    const issuer = await silentServer(t);
    const upstream = await startUpstream(t);
    const own = [`state_dir = ${JSON.stringify(join(directory, "state"))}`, "workers = 2"];
    const toml = `${config(upstream.port, own)}auth_profile = "users"
[auth_profile.users]
algorithms = ["ES256"]
issuer = "x"
jwks_url = "https://127.0.0.1:${issuer}/keys"
jwks_private_networks = ["127.0.0.0/8"]
[tracing]
endpoint = "http://127.0.0.1:9/v1/traces"
[audit]
enabled = true
path = ${JSON.stringify(join(directory, "audit"))}
key_file = ${JSON.stringify(join(directory, "key"))}
`;
    const environment = { ZION_LAST_GASP_PATH: path };
    const gateway = await startGateway(t, { toml, environment });
    const roles = [
      ["worker 0", "worker-process"],
      ["audit writer", "audit-process"],
      ["span process", "span-process"],
      ["key fetcher", "jwks-process"],
    ] as const;
    for (const [role, entry] of roles) {
      const deaths = () => recordsIn(path).filter((record) => record["event.name"] === "zion.process.died");
      // The process that fetches keys lives as long as its answer takes, and is started again.
      let victim: number | undefined;
      await until(`there is a ${role}`, () => {
        victim = childrenOf(gateway.pid).find((pid) => commandOf(pid).includes(entry));
        return victim !== undefined;
      });
      kill(victim!, "SIGABRT");
      await until(`the end of the ${role} is on record`, () => deaths().some(({ pid }) => pid === victim));
      const death = deaths().find(({ pid }) => pid === victim)!;
      const process = role === "worker 0" ? String(death["process"]).replace(/\d$/, "0") : death["process"];
      assert.deepEqual([process, death["signal"], death["cause"]], [role, "SIGABRT", "abort"]);
    }
    const metrics = async () => (await gateway.get("/metrics", gateway.telemetryPort)).body;
    await until("all are counted", async () => /^zion_panics_total 4$/m.test(await metrics()));
    assert.match(await metrics(), /^zion_worker_restarts_total\{cause="abort"\} 1$/m);

    for (const pid of [gateway.pid, ...childrenOf(gateway.pid)]) kill(pid, "SIGKILL");
    await gateway.exited;
    const next = await startGateway(t, { toml, environment });
    assert.ok(next.log().some((line) => line["event.name"] === "zion.panic.silent"));
    const { body } = await next.get("/metrics", next.telemetryPort);
    assert.match(body, /^zion_panics_total 1$/m);
  },
);

function scratch(): string {
  const path = newDirectory("words");
  return path;
}

function recordsIn(path: string): Record<string, unknown>[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** Accepts, and never says anything: whoever asks waits. */
async function silentServer(t: TestContext): Promise<number> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}
