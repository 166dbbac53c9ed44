import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { config, type Gateway, launcher, startGateway, until, untilMetrics } from "../control/gateway.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { connect } from "../support/raw-client.ts";
import { page, requestText } from "./cached-route.ts";

// Stored answers of a whole gateway with several workers.

const token = "zion_admin_ops_0123456789abcdef0123456789abcdef";

async function start(t: TestContext, origin: Origin, workers: number): Promise<Gateway> {
  t.after(() => origin.close());
  const toml = config(
    origin.port,
    [`workers = ${workers}`],
    `write = true\n[admin.token.ops]\nsha256 = "${createHash("sha256").update(token).digest("hex")}"\nrole = "operate"\nexpires = 2100-01-01\n`,
  );
  return startGateway(t, {
    toml: `${toml}waf = false\ncache_profile = "default"\n`,
    environment: { ZION_ADMIN_TOKEN: token },
  });
}

/** `zion cache …` of the gateway: what it prints. */
async function zionCache({ directory, adminPort }: Gateway, ...args: readonly string[]): Promise<string> {
  const file = join(directory, "zion.toml");
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [launcher, "cache", ...args, "-c", file, "--admin", `127.0.0.1:${adminPort}`],
    { env: { ...process.env, ZION_ADMIN_TOKEN: token } },
  );
  return stdout;
}

/** Asks over new connections until every worker has answered from memory. */
async function warm(gateway: Gateway, path: string, workers: number): Promise<void> {
  await until("all workers have it", async () => {
    await gateway.get(path);
    // Not `/metrics`: what it says of a worker that does not answer soon is from before the last purge.
    return Number(/^entries +(\d+)$/m.exec(await zionCache(gateway, "status"))?.[1]) >= workers;
  });
}

test("a purge is over when all workers have forgotten the answer", async (t) => {
  const origin = await startOrigin({
    script: ({ target }, { socket }) =>
      void socket.write(
        page(`version of ${target}`, "Cache-Control: max-age=600", "Surrogate-Key: shop basket"),
      ),
  });
  const gateway = await start(t, origin, 2);
  for (const wish of [
    ["--all"],
    ["--tag", "shop"],
    ["--url", `http://127.0.0.1:${gateway.port}/a`],
    ["--prefix", `http://127.0.0.1:${gateway.port}/`],
  ]) {
    await warm(gateway, "/a", 2);
    assert.equal(await zionCache(gateway, "purge", ...wish), "2 stored answers are gone\n");
    origin.forget();
    for (let i = 0; i < 2; i++) await gateway.get("/a");
    assert.ok(asked(origin, "/a") >= 1, `asked again after ${wish}`);
  }
  await warm(gateway, "/a", 2);
  assert.equal(await zionCache(gateway, "purge", "--tag", "other"), "0 stored answers are gone\n");
  assert.match(await zionCache(gateway, "status"), /^entries +2$/m);
});

test("an unsafe request to one worker makes the others forget its URI", async (t) => {
  const origin = await startOrigin({
    script: ({ method }, { socket }) =>
      void socket.write(method === "POST" ? page("done") : page("page", "Cache-Control: max-age=600")),
  });
  const gateway = await start(t, origin, 2);
  await warm(gateway, "/a", 2);
  await fetch(`http://127.0.0.1:${gateway.port}/a`, { method: "POST" });
  await untilMetrics(gateway.telemetryPort, /^zion_cache_entries 0$/m);
});

test("who changed something does not get the old page back by another worker", async (t) => {
  let version = 1;
  const origin = await startOrigin({
    script: ({ method }, { socket }) => {
      if (method === "POST") version++;
      socket.write(
        method === "POST" ? page("done") : page(`version ${version}`, "Cache-Control: max-age=600"),
      );
    },
  });
  const gateway = await start(t, origin, 2);
  // Of each URI the other worker is the owner in every second case, and has not heard of the change at once.
  for (let i = 0; i < 12; i++) {
    const clients = await Promise.all(Array.from({ length: 4 }, () => connect(gateway.port)));
    const [own] = clients;
    for (const client of clients) client.send(requestText(`/${i}`));
    for (const client of clients) await client.answer();
    own!.send(requestText(`/${i}`, { "Content-Length": "0" }, "POST"));
    assert.equal((await own!.answer())?.status, 200);
    own!.send(requestText(`/${i}`));
    assert.equal((await own!.answer())?.body.toString(), `version ${version}`);
    for (const client of clients) client.destroy();
  }
});

test("a reload keeps what is stored, and a profile that is gone takes it along", async (t) => {
  const origin = await startOrigin({
    script: (_, { socket }) => void socket.write(page("page", "Cache-Control: max-age=600")),
  });
  const gateway = await start(t, origin, 1);
  await warm(gateway, "/a", 1);
  const generation = (n: number) =>
    untilMetrics(gateway.telemetryPort, new RegExp(`^zion_config_generation ${n}$`, "m"));
  const toml = readFileSync(join(gateway.directory, "zion.toml"), "utf8");
  gateway.write(
    toml.replace(
      'cache_profile = "default"',
      'cache_profile = "default"\n[cache_profile.default]\nttl_seconds = 700',
    ),
  );
  gateway.signal("SIGHUP");
  await generation(2);
  assert.equal((await gateway.get("/a")).headers["x-zion-cache"], "HIT");
  assert.equal(asked(origin, "/a"), 1);
  gateway.write(toml.replace('cache_profile = "default"', ""));
  gateway.signal("SIGHUP");
  await generation(3);
  await untilMetrics(gateway.telemetryPort, /^zion_cache_entries 0$/m);
});

test("what another worker has is a hit, as old as it is there", async (t) => {
  const origin = await startOrigin({
    script: (_, { socket }) => void socket.write(page("page", "Cache-Control: max-age=600", "Age: 40")),
  });
  const gateway = await start(t, origin, 4);
  const said = new Map<string, number>();
  // Both workers' first answers, and more.
  for (let i = 0; i < 40; i++) {
    const { headers } = await gateway.get("/a");
    const word = String(headers["x-zion-cache"]);
    said.set(word, (said.get(word) ?? 0) + 1);
    if (word === "HIT") assert.match(String(headers["cache-status"]), /^zion; hit; ttl=5\d\d$/);
    assert.ok(Number(headers["age"]) >= 40, `Age of a ${word}: ${headers["age"]}`);
  }
  assert.deepEqual(
    [...said],
    [
      ["MISS", 1],
      ["HIT", 39],
    ],
  );
  await untilMetrics(gateway.telemetryPort, /^zion_cache_peer_total\{result="asked"\} [1-9]/m);
  assert.equal(asked(origin, "/a"), 1);
});

test("an upstream that pauses within an answer is as slow for clients of the other workers, and no more", async (t) => {
  const origin = await startOrigin({
    script: (_, { socket }) => {
      socket.write("HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 8\r\n\r\nhalf");
      // Longer than a worker that has not begun to answer is waited for.
      setTimeout(() => socket.write("half"), 5500);
    },
  });
  const gateway = await start(t, origin, 2);
  const clients = await Promise.all(
    Array.from({ length: 12 }, () => connect(gateway.port, { deadlineMs: 20_000 })),
  );
  for (const client of clients) client.send(requestText("/pausing", { Host: "a.test" }));
  const answers = await Promise.all(clients.map((client) => client.answer()));
  assert.deepEqual(
    [...new Set(answers.map((answer) => `${answer?.end} ${answer?.body}`))],
    ["framed halfhalf"],
  );
  assert.equal(asked(origin, "/pausing"), 1);
});

test("a thousand requests to four workers make one request of the upstream", async (t) => {
  let release = (): void => {};
  const held = new Promise<void>((done) => {
    release = done;
  });
  const origin = await startOrigin({
    script: async (_, { socket }) => {
      await held;
      socket.write(page("body", "Cache-Control: max-age=600"));
    },
  });
  const gateway = await start(t, origin, 4);
  const clients = await Promise.all(Array.from({ length: 200 }, () => connect(gateway.port)));
  // Five each, one behind the other.
  for (const client of clients) client.send(requestText("/hot", { Host: "a.test" }).repeat(5));
  await untilMetrics(gateway.telemetryPort, /^zion_cache_peer_total\{result="asked"\} 3$/m);
  release();
  for (const client of clients)
    for (let i = 0; i < 5; i++) assert.equal((await client.answer())?.body.toString(), "body");
  assert.equal(asked(origin, "/hot"), 1);
});

test("when the worker that fetches for the others is killed, they ask the upstream themselves", async (t) => {
  let isHeld = true;
  const origin = await startOrigin({
    script: (_, { socket }) => {
      if (!isHeld) socket.write(page("body", "Cache-Control: max-age=600"));
    },
  });
  const gateway = await start(t, origin, 2);
  const clients = await Promise.all(Array.from({ length: 40 }, () => connect(gateway.port)));
  for (const client of clients) client.send(requestText("/hot"));
  await untilMetrics(gateway.telemetryPort, /^zion_cache_peer_total\{result="asked"\} 1$/m);
  const owner = () => gateway.workers().find((pid) => hasConnectionTo(pid, origin.port));
  await until("one of them fetches", () => asked(origin, "/hot") > 0 && owner() !== undefined);
  isHeld = false;
  process.kill(owner()!, "SIGKILL");
  const answers = await Promise.all(clients.map((client) => client.answer().catch(() => undefined)));
  const served = answers.filter((answer) => answer?.body.toString() === "body").length;
  // Its own clients lose their connections, as with every worker that dies; nobody else notices.
  assert.ok(served > 0, "somebody was served");
  assert.equal(answers.filter((answer) => answer !== undefined && answer.status !== 200).length, 0);
  assert.ok(asked(origin, "/hot") >= 2);
  assert.equal((await gateway.get("/hot")).body, "body");
});

/** Requests for this path; probes ask for another. */
function asked(origin: Origin, path: string): number {
  return origin.requests.filter(({ target }) => target === path).length;
}

/** Whether this process has a TCP connection to this port. */
function hasConnectionTo(pid: number, port: number): boolean {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /socket:\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        return undefined;
      }
    }),
  );
  const wanted = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync("/proc/net/tcp", "latin1")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .some(([, , remote, state, , , , , , inode]) => remote === wanted && state === "01" && inodes.has(inode));
}
