import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { mock, type TestContext, test } from "node:test";
import type { BanConfig, MeshConfig } from "../../src/config/config.ts";
import { createBans } from "../../src/control/bans.ts";
import type { ToWorker } from "../../src/control/messages.ts";
import { parseAddress } from "../../src/identity/address.ts";
import { holdsAddress } from "../../src/identity/range-table.ts";
import { goodConfig, minimal } from "../support/config-case.ts";
import { newDirectory } from "../support/directory.ts";
import { keptLog } from "./fakes.ts";

const ban: BanConfig = {
  threshold: 10,
  windowSecs: 60,
  from: ["waf", "limit"],
  banSecs: 300,
  banMaxSecs: 3600,
  maxBans: 100,
  action: "refuse",
  shadow: false,
};
const { server } = goodConfig(minimal.replace("[server]", '[server]\ntrusted_proxies = ["10.0.0.9"]'));

function start(t: TestContext, settings: Partial<BanConfig> = {}, stateDir?: string) {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  let nowMs = 1000;
  let banned: (ToWorker & { type: "bans" })["banned"];
  const log = keptLog();
  const counted: string[] = [];
  const bans = createBans({
    stateDir,
    broadcast: (message) => {
      if (message.type === "bans") banned = message.banned;
    },
    exposition: { set: () => {}, add: (name, labels) => void counted.push(`${name} ${labels}`) },
    clock: { nowMs: () => nowMs, wallMs: () => 1_700_000_000_000 + nowMs },
    log,
  });
  bans.adopt({ ban: { ...ban, ...settings }, server });
  t.after(() => bans.stop());
  return {
    bans,
    log,
    counted,
    /** Requests of a client that a worker refused, and the shares of what it allowed. */
    hear(
      worker: number,
      offenders: Record<string, number>,
      shares: Record<string, number> = {},
      allowed = 0,
    ) {
      const offences = Object.entries(offenders).map(([client, waf]) => [client, { waf, limit: 0 }] as const);
      const report = { offenders: new Map(offences), shares: new Map(Object.entries(shares)) };
      bans.hear(worker, { ...report, allowed, dropped: 0 });
    },
    pass(ms: number) {
      for (let left = ms; left > 0; left -= 500) {
        nowMs += Math.min(left, 500);
        mock.timers.tick(Math.min(left, 500));
      }
    },
    isBanned: (text: string) => banned !== undefined && holdsAddress(banned, parseAddress(text)!),
  };
}

test("a client is banned for what all workers together saw of it, and let in again when the ban is over", (t) => {
  const { hear, pass, isBanned, log } = start(t);
  hear(1, { "192.0.2.1": 5, "192.0.2.2": 9 }, { "198.51.100.1": 0.5 }, 100);
  hear(2, { "192.0.2.1": 5 });
  assert.equal(isBanned("192.0.2.1"), false);
  pass(1000);
  assert.equal(isBanned("192.0.2.1"), true);
  assert.equal(isBanned("192.0.2.2"), false);
  const { secs, times, waf, limit, ...line } = log.lines.find((one) => one["event.name"] === "zion.ban")!;
  assert.equal(line["client"], "192.0.2.1");
  assert.deepEqual([secs, times, waf, limit, line["sinceMs"]], [300, 1, 10, 0, undefined]);
  pass(299_000);
  assert.equal(isBanned("192.0.2.1"), true);
  pass(2000);
  assert.equal(isBanned("192.0.2.1"), false);
});

test("what lies further apart than the window does not add up", (t) => {
  const { hear, pass, isBanned } = start(t);
  hear(1, { "192.0.2.1": 9 });
  pass(61_000);
  hear(1, { "192.0.2.1": 9 });
  pass(2000);
  assert.equal(isBanned("192.0.2.1"), false);
});

test("an address that carries more than a fifth of the allowed requests is warned about, not banned", (t) => {
  const { hear, pass, isBanned, log, counted } = start(t);
  // Its good traffic is in another worker than its bad one, and reported after the offences.
  hear(1, { "192.0.2.1": 50, "192.0.2.2": 50 }, {}, 1000);
  hear(2, {}, { "192.0.2.1": 0.5, "192.0.2.2": 0.3 }, 800);
  pass(1000);
  assert.deepEqual([isBanned("192.0.2.1"), isBanned("192.0.2.2")], [false, true]);
  const warning = log.lines.find((line) => line["event.name"] === "zion.ban.spared")!;
  assert.deepEqual(
    [warning["level"], warning["client"], warning["reason"], warning["share"]],
    ["warn", "192.0.2.1", "share", 0.22],
  );
  assert.deepEqual(counted, ["bansSpared share", "bansTotal waf"]);
});

test("good traffic that is over counts less and less", (t) => {
  const { hear, pass, isBanned } = start(t);
  hear(1, {}, { "192.0.2.1": 1 }, 100);
  hear(2, {}, { "198.51.100.1": 1 }, 100);
  for (let i = 0; i < 120; i++) {
    pass(60_000);
    hear(2, {}, { "198.51.100.1": 1 }, 100);
  }
  hear(1, { "192.0.2.1": 50 });
  pass(1000);
  assert.equal(isBanned("192.0.2.1"), true);
});

test("trusted proxies are never banned, by nobody", (t) => {
  const { bans, hear, pass, isBanned } = start(t);
  hear(1, { "10.0.0.9": 1000 });
  pass(1000);
  assert.equal(isBanned("10.0.0.9"), false);
  assert.deepEqual(bans.add("10.0.0.0/8", 60), {
    problem: "holds an address of trusted_proxies, proxy_protocol or internal_networks",
  });
  assert.deepEqual(bans.add("no", 60), { problem: "expected an IP address or a CIDR block" });
});

test("a reload keeps bans, and lifts those that it forbids", (t) => {
  const { bans, hear, pass, isBanned } = start(t);
  hear(1, { "192.0.2.1": 10, "192.0.2.2": 10 });
  pass(1000);
  bans.add("198.51.100.0/24", undefined);
  bans.adopt({ ban, server: { ...server, internalNetworks: ["192.0.2.2"] } });
  assert.deepEqual(["192.0.2.1", "192.0.2.2", "198.51.100.7"].map(isBanned), [true, false, true]);
  bans.adopt({ ban: undefined, server });
  assert.deepEqual(["192.0.2.1", "198.51.100.7"].map(isBanned), [false, true]);
});

test("with shadow, who would be banned is told, and nobody is", (t) => {
  const { hear, pass, isBanned, counted } = start(t, { shadow: true });
  hear(1, { "192.0.2.1": 10 });
  pass(1000);
  assert.equal(isBanned("192.0.2.1"), false);
  assert.deepEqual(counted, ["bansSpared shadow"]);
});

test("a flood of clients is logged in few lines, with shadow and without", (t) => {
  const flood = Object.fromEntries(Array.from({ length: 200 }, (_none, index) => [`192.0.2.${index}`, 10]));
  for (const shadow of [true, false]) {
    const { log, hear, pass, counted } = start(t, { shadow });
    hear(1, flood);
    pass(1000);
    assert.equal(counted.length, 200);
    assert.equal(log.lines.length, 11);
    assert.equal(log.lines.at(-1)!["more"], 190);
    mock.timers.reset();
  }
});

test("only what `from` names counts", (t) => {
  const { hear, pass, isBanned } = start(t, { from: ["limit"] });
  hear(1, { "192.0.2.1": 1000 });
  pass(1000);
  assert.equal(isBanned("192.0.2.1"), false);
});

test("an operator bans an IPv6 client by its /64, and lifts it by any address of it", (t) => {
  const { bans, isBanned } = start(t);
  assert.deepEqual(bans.add("2001:DB8:1:2::7", undefined), { name: "2001:db8:1:2::/64" });
  assert.equal(isBanned("2001:db8:1:2:ffff::1"), true);
  assert.deepEqual(
    bans.list().map(({ address, cause, until }) => [address, cause, until]),
    [["2001:db8:1:2::/64", "operator", null]],
  );
  assert.equal(bans.lift("2001:db8:1:2::8"), true);
  assert.equal(isBanned("2001:db8:1:2:ffff::1"), false);
});

test("a block with host bits may be a slip of the prefix length, and is not guessed", (t) => {
  const { bans, isBanned } = start(t);
  assert.deepEqual(bans.add("192.0.2.5/24", 60), { problem: "host bits are set: 192.0.2.0/24?" });
  assert.equal(isBanned("192.0.2.5"), false);
  assert.ok("problem" in bans.add("::ffff:0:0/90", 60));
  assert.deepEqual(bans.add("192.0.2.0/24", 60), { name: "192.0.2.0/24" });
});

test("other edges' word bans for a fixed time, not whom counting may not ban, and ends with its key", (t) => {
  const { bans, isBanned, pass, counted } = start(t);
  bans.adopt({ ban: undefined, mesh: { bans: true } as MeshConfig, server });
  bans.offer("192.0.2.9", 60);
  bans.offer("10.0.0.9", 60);
  assert.deepEqual([isBanned("192.0.2.9"), isBanned("10.0.0.9")], [true, false]);
  assert.deepEqual(counted, ["bansTotal mesh", "bansSpared listed"]);
  pass(61_000);
  assert.equal(isBanned("192.0.2.9"), false);
  bans.offer("192.0.2.9", 60);
  pass(59_000);
  assert.equal(isBanned("192.0.2.9"), true);
  bans.adopt({ ban: undefined, server });
  assert.equal(isBanned("192.0.2.9"), false);
});

test("with a state directory, bans outlive the process, and a damaged file costs the bans only", (t) => {
  const folder = newDirectory("bans");
  const before = start(t, {}, folder);
  before.hear(1, { "192.0.2.1": 10 });
  before.pass(1000);
  before.bans.add("198.51.100.7", undefined);
  before.bans.stop();
  mock.timers.reset();
  const after = start(t, {}, folder);
  assert.deepEqual(
    after.bans.list().map(({ address, until }) => [address, until === null]),
    [
      ["198.51.100.7", true],
      ["192.0.2.1", false],
    ],
  );
  assert.equal(after.isBanned("192.0.2.1"), true);
  after.bans.stop();
  mock.timers.reset();
  writeFileSync(path.join(folder, "bans.json"), '[{"address":"192.0.2.1"');
  const damaged = start(t, {}, folder);
  assert.deepEqual(damaged.bans.list(), []);
  assert.equal(damaged.log.lines[0]!["event.name"], "zion.ban.file");
});
