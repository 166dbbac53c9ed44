import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { config, type Gateway, request, startGateway, startUpstream, until } from "./gateway.ts";

const onLinux = { skip: process.platform === "linux" ? false : "reads /proc and needs reusePort" };

/** Headers allowed by the configuration tell generations apart: 20 are too many for `max_headers = 16`. */
const text = (port: number, maxHeaders: number) =>
  config(port, ["workers = 2", `max_headers = ${maxHeaders}`]);

interface Entry {
  readonly generation: number;
  readonly by: string;
  readonly result: string;
  readonly problem?: string;
  readonly changes?: string;
}

async function history(gateway: Gateway): Promise<readonly Entry[]> {
  const { body } = await gateway.get("/v1/generations", gateway.adminPort);
  return (JSON.parse(body) as { generations: Entry[] }).generations;
}

async function metric(gateway: Gateway, line: RegExp): Promise<number> {
  const { body } = await gateway.get("/metrics", gateway.telemetryPort);
  return Number(line.exec(body)?.[1]);
}

/** Asks again and again on one connection until stopped; every answer must be a 200. */
function traffic(t: TestContext, port: number) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const failures: string[] = [];
  let answers = 0;
  let isOver = false;
  const loop = (async () => {
    while (!isOver) {
      try {
        const { status } = await request(port, "/", { agent });
        if (status === 200) answers++;
        else failures.push(String(status));
      } catch (error) {
        failures.push(String(error));
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  const stop = async () => {
    isOver = true;
    await loop;
    agent.destroy();
    return { answers, failures };
  };
  t.after(stop);
  return { stop };
}

test(
  "a changed file is in force in all workers without being asked for, and says what it changed",
  onLinux,
  async (t) => {
    const upstream = await startUpstream(t);
    const gateway = await startGateway(t, { toml: text(upstream.port, 64) });
    gateway.write(text(upstream.port, 16));
    const line = await gateway.logged((line) => line["event.name"] === "zion.config.reload");
    assert.deepEqual(
      [line["by"], line["generation"], line["changes"]],
      ["file", 2, "server.max_headers changed"],
    );
    const headers = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`x-${i}`, "1"]));
    for (let i = 0; i < 8; i++) assert.equal((await request(gateway.port, "/", { headers })).status, 431);
    assert.equal(await metric(gateway, /^zion_config_generation (\d+)$/m), 2);
    const { body } = await gateway.get("/snapshot", gateway.adminPort);
    assert.deepEqual(
      (JSON.parse(body) as { workers: { generations: number[] } }).workers.generations,
      [2, 2],
    );
  },
);

test(
  "a hundred writes a second are at most one reload a second, and no request fails",
  onLinux,
  async (t) => {
    const upstream = await startUpstream(t);
    const gateway = await startGateway(t, { toml: text(upstream.port, 64) });
    const load = traffic(t, gateway.port);
    const startMs = performance.now();
    let writes = 0;
    while (performance.now() - startMs < 3000) {
      gateway.write(text(upstream.port, 32 + (writes++ % 32)));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    gateway.write(text(upstream.port, 100));
    const atMost = Math.ceil((performance.now() - startMs) / 1000) + 1;
    await until(
      "the last one wins",
      async () =>
        (await history(gateway))[0]?.result === "loaded" &&
        (await metric(gateway, /^zion_config_last_reload_successful (\d)$/m)) === 1 &&
        (await isQuiet(gateway)),
    );
    const { answers, failures } = await load.stop();
    const reloads = (await history(gateway)).length - 1;
    assert.ok(reloads >= 1 && reloads <= atMost, `${reloads} reloads, ${writes} writes`);
    assert.deepEqual(failures, []);
    assert.ok(answers > 0);
  },
);

/** No reload for two seconds: the last content is in force. */
async function isQuiet(gateway: Gateway): Promise<boolean> {
  const before = (await history(gateway)).length;
  await new Promise((resolve) => setTimeout(resolve, 2000));
  return (await history(gateway)).length === before;
}

interface BadFile {
  readonly name: string;
  /** Puts it in place of the good one. */
  readonly put: (file: string, good: string) => void;
  readonly problem: RegExp;
  /** Takes away what is in the way of a good file. */
  readonly clear?: (file: string) => void;
}

const remove = (file: string) => rmSync(file, { recursive: true, force: true });

/** reliability.md §2.11. */
const badFiles: readonly BadFile[] = [
  { name: "empty", put: (file) => writeFileSync(file, ""), problem: /Z1046|Z10/ },
  {
    name: "cut off",
    put: (file, good) => writeFileSync(file, good.slice(0, good.indexOf("[[route]]") + 12)),
    problem: /error\[Z1/,
  },
  { name: "deleted", put: remove, problem: /does not exist/ },
  {
    name: "larger than a megabyte",
    put: (file, good) => writeFileSync(file, `${good}\n#${"x".repeat(5 * 1_048_576)}\n`),
    problem: /larger than 1 MiB/,
  },
  {
    name: "not UTF-8",
    put: (file, good) =>
      writeFileSync(file, Buffer.concat([Buffer.from(good), Buffer.from("# \xe9\n", "latin1")])),
    problem: /UTF-8/,
  },
  { name: "with a NUL", put: (file, good) => writeFileSync(file, `${good}# \0\n`), problem: /error\[Z1/ },
  {
    name: "with an unknown key",
    put: (file, good) => writeFileSync(file, good.replace("max_headers", "max_heders")),
    problem: /max_heders.*did you mean/s,
  },
  {
    name: "a directory",
    put: (file) => {
      remove(file);
      mkdirSync(file);
    },
    problem: /is a directory/,
    clear: remove,
  },
  {
    name: "a FIFO",
    put: (file) => {
      remove(file);
      execFileSync("mkfifo", [file]);
    },
    problem: /not a regular file/,
    clear: remove,
  },
  {
    name: "a loop of symbolic links",
    put: (file) => {
      remove(file);
      symlinkSync(file, file);
    },
    problem: /loop of symbolic links/,
    clear: remove,
  },
  {
    name: "a link to nothing",
    put: (file) => {
      remove(file);
      symlinkSync("/nowhere/zion.toml", file);
    },
    problem: /does not exist/,
    clear: remove,
  },
  {
    name: "endless",
    put: (file) => {
      remove(file);
      symlinkSync("/dev/zero", file);
    },
    problem: /not a regular file/,
    clear: remove,
  },
];

test(
  "whatever becomes of the file, the old generation serves, says why, and a good file cures it",
  onLinux,
  async (t) => {
    const upstream = await startUpstream(t);
    const gateway = await startGateway(t, { toml: text(upstream.port, 64) });
    const file = join(gateway.directory, "zion.toml");
    const load = traffic(t, gateway.port);
    for (const [index, { name, put, problem, clear }] of badFiles.entries()) {
      put(file, text(upstream.port, 64 + index));
      await until(`${name}: refused`, async () => {
        const [entry] = await history(gateway);
        return entry!.result === "refused" && problem.test(entry!.problem ?? "");
      });
      clear?.(file);
    }
    assert.equal((await history(gateway))[0]!.generation, 1);
    assert.equal(await metric(gateway, /^zion_config_generation (\d+)$/m), 1);
    const ready = await gateway.get("/readyz?verbose", gateway.telemetryPort);
    assert.equal(ready.status, 200);
    assert.equal((JSON.parse(ready.body) as { checks: { config: string } }).checks.config, "degraded");
    gateway.write(text(upstream.port, 128));
    await until("cured", async () => (await history(gateway))[0]!.result === "loaded");
    assert.equal((await gateway.get("/readyz", gateway.telemetryPort)).body, "ready\n");
    assert.deepEqual((await load.stop()).failures, []);
  },
);

test("a configuration that is swapped as Kubernetes does it is in force each time", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: text(upstream.port, 64) });
  const { directory } = gateway;
  const file = join(directory, "zion.toml");
  const mount = (maxHeaders: number) => {
    const name = `..${maxHeaders}`;
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, "zion.toml"), text(upstream.port, maxHeaders));
    symlinkSync(name, join(directory, "..data_tmp"));
    renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
  };
  mount(65);
  unlinkSync(file);
  symlinkSync("..data/zion.toml", file);
  for (const [n, maxHeaders] of [66, 67, 68].entries()) {
    await until(
      `swap ${n}`,
      async () => (await history(gateway)).filter(({ result }) => result === "loaded").length === n + 2,
    );
    mount(maxHeaders);
  }
  await until(
    "the last swap",
    async () => (await history(gateway)).filter(({ result }) => result === "loaded").length === 5,
  );
});

test("a list that a configuration names is watched, too", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const toml = config(
    upstream.port,
    ["workers = 2", 'lists = ["bad"]'],
    '[list.bad]\nfile = "DIRECTORY/bad.txt"\naction = "deny"\n',
  );
  const gateway = await startGateway(t, { toml, files: { "bad.txt": "10.0.0.0/8\n" } });
  assert.equal((await gateway.get("/")).status, 200);
  writeFileSync(join(gateway.directory, "bad.txt"), "127.0.0.0/8\n");
  await until("the list is in force", async () => (await gateway.get("/")).status === 403);
  assert.equal((await history(gateway))[0]!.changes, "list bad changed");
});

test("a file that nobody may read is refused", {
  skip: process.getuid?.() === 0 ? "root may read everything" : false,
}, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: text(upstream.port, 64) });
  const file = join(gateway.directory, "zion.toml");
  chmodSync(file, 0);
  await until("refused", async () => (await history(gateway))[0]!.result === "refused");
  assert.match((await history(gateway))[0]!.problem!, /permission denied/);
  chmodSync(file, 0o600);
  assert.ok(readFileSync(file).length > 0);
});
