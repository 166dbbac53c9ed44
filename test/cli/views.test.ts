import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { printTable } from "../../src/cli/table.ts";
import { config, launcher, startGateway, startUpstream, until } from "../control/gateway.ts";
import { hasCommand, needs } from "../support/shared.ts";

const onLinux = { skip: process.platform === "linux" ? false : "reads /proc and needs reusePort" };

test("columns are as wide as what is in them, numbers to the right", () => {
  assert.equal(
    printTable(
      ["A", "COUNT"],
      [
        ["x", 5],
        ["long name", 1234],
      ],
    ),
    "A          COUNT\nx              5\nlong name   1234\n",
  );
  assert.equal(printTable(["A"], []), "A\n");
});

test("status, routes, upstreams, bans and top say how the gateway is", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const toml = config(upstream.port, ["workers = 1", "shutdown_delay_ms = 0"]).replace(
    "[[route]]",
    '[[route]]\nname = "app"',
  );
  const gateway = await startGateway(t, { toml });
  const file = join(gateway.directory, "zion.toml");
  const admin = ["-c", file, "--admin", `127.0.0.1:${gateway.adminPort}`];
  const zion = (...args: readonly string[]) =>
    new Promise<{ code: number; out: string; err: string }>((resolve) => {
      execFile(process.execPath, [launcher, ...args, ...admin], { timeout: 60_000 }, (error, out, err) =>
        resolve({ code: error === null ? 0 : Number(error.code), out, err }),
      );
    });
  for (let i = 0; i < 3; i++) await gateway.get("/");
  await gateway.get("/?q=1%20union%20select%20a,b%20from%20users");
  await until("all is counted", async () => (await zion("status")).out.includes("requests   4"));

  const status = await zion("status");
  assert.equal(status.code, 0);
  assert.match(
    status.out,
    /^zion \S+ {2}ready {2}up \d+ s\nconfig {5}generation 1 .* 1 routes, 1 upstreams\n/,
  );
  assert.match(status.out, /requests {3}4 {2}refused 1 {2}in shadow 0 {2}errors 0\n/);
  assert.match(
    (await zion("routes")).out,
    /^ROUTE +PATH +TO +WAF +REQUESTS +P50 MS +P99 MS\napp +\/\{\*rest\} +app +enforce \(default\) +4 /,
  );
  assert.match((await zion("upstreams")).out, /\napp +http:\/\/127\.0\.0\.1:\d+ +used +/);
  assert.equal((await zion("bans")).out, "nobody is banned\n");
  const { routes } = JSON.parse((await zion("routes", "--format", "json")).out) as {
    routes: { name: string }[];
  };
  assert.equal(routes[0]!.name, "app");

  const other = join(gateway.directory, "other.toml");
  writeFileSync(other, readFileSync(file, "utf8").replace("workers = 1", "workers = 1\nmax_headers = 99"));
  assert.deepEqual(await zion("diff", "running"), { code: 0, out: "nothing differs\n", err: "" });
  const differs = await zion("diff", "running", other);
  assert.deepEqual([differs.code, differs.out], [1, "~ server.max_headers = 64 -> 99\n"]);

  const dump = await zion("support-dump");
  assert.equal(dump.code, 0);
  assert.equal(JSON.parse(dump.out).snapshot.generation, 1);
  for (const secret of [gateway.directory, "127.0.0.1", "/{*rest}", '"app"'])
    assert.ok(!dump.out.includes(secret), secret);

  const top = await zion("top", "--interval", "1", "--count", "2");
  assert.equal(top.code, 0);
  assert.equal(top.out.match(/^ready {2}generation 1 {2}[\d.]+ requests\/s/gm)?.length, 2);
  assert.match(top.out, /\nROUTE +REQUESTS\/S +P99 MS +WAF +TO\napp +[\d.]+ /);

  // On a terminal, in place.
  if (needs(t, "tmux", hasCommand("tmux"))) {
    const session = `zion-${process.pid}`;
    const words = [process.execPath, launcher, "top", "--interval", "1", ...admin].map((word) => `'${word}'`);
    assert.equal(
      spawnSync("tmux", ["new-session", "-d", "-s", session, "-x", "150", "-y", "40", words.join(" ")])
        .status,
      0,
    );
    t.after(() => spawnSync("tmux", ["kill-session", "-t", session]));
    const screen = (): string =>
      spawnSync("tmux", ["capture-pane", "-p", "-t", session], { encoding: "utf8" }).stdout;
    await until("there is a picture", async () => /^ready {2}generation 1/m.test(screen()));
    assert.equal(screen().match(/^ROUTE /gm)?.length, 1);
  }

  gateway.signal("SIGTERM");
  await gateway.exited;
  assert.equal((await zion("status")).code, 3);
});
